"""The endpoints under /api/v1. All of them read, and only what belongs to connections that nobody removed."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.connection_details import OneConnectionSerializer, connection_details
from api.events import EventPagination, EventRenderer, with_bodies
from api.filters import DatasetFilter, JobFilter, JobRunFilter, RunFilter, RunOfAnyConnectionFilter
from api.job_details import OneJobSerializer, job_details
from api.pagination import BY_EVENT_TIME, BY_NAME, BY_NAMESPACE_AND_NAME
from api.queries import FoundRun, bodies_of_events, count_dropped, datasets_with, find_run, keys_of, of_run, with_jobs
from api.reading import ListView, ReadView
from api.run_details import OneRunSerializer, run_details
from api.schema import CONNECTION_PARAMETER, answers
from api.search import NEAR, PARAMETERS, FoundJobSerializer, Q, SearchPagination, read_search
from api.serializers import (
    ConnectionSerializer,
    DatasetSerializer,
    EventSerializer,
    JobSerializer,
    RunSerializer,
)
from connections.models import Connection
from lineage.database.keyset import NEWEST_RUN_FIRST, NEWEST_RUN_OF_ALL_FIRST, OLDEST_RUN_FIRST
from lineage.models import Dataset, Event, Job, Run
from lineage.overview.summaries import connection_summaries
from lineage.runs.relations import children_of
from lineage.search.index import by_index
from lineage.search.search import NEAREST_FIRST

CONNECTION_ID = "connection_id"


class ConnectionsView(ListView):
    queryset = Connection.objects.visible()
    serializer_class = ConnectionSerializer
    keyset = BY_NAME

    @extend_schema(operation_id="list_connections", responses=answers(ConnectionSerializer(many=True), found=False))
    def get(self, _request: Request) -> Response:
        """Every connection, by name."""
        connections = self.page(self.get_queryset())
        return self.answer(connection_summaries(connections, now=timezone.now()))


class ConnectionView(ReadView):
    queryset = Connection.objects.visible()
    serializer_class = OneConnectionSerializer

    @extend_schema(operation_id="get_connection", responses=answers(OneConnectionSerializer))
    def get(self, _request: Request, connection_id: UUID) -> Response:
        """One connection, with its API keys and the last requests."""
        return Response(connection_details(_connection(connection_id), now=timezone.now()))


class ConnectionJobsView(ListView):
    queryset = Job.objects.visible().shown()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    keyset = BY_NAMESPACE_AND_NAME

    @extend_schema(operation_id="list_jobs", responses=answers(JobSerializer(many=True)))
    def get(self, _request: Request, connection_id: UUID) -> Response:
        """The jobs of a connection, by namespace and name."""
        return self.answer(self.page(self.get_queryset().of(_connection(connection_id))))


class ConnectionRunsView(ListView):
    queryset = Run.objects.visible().shown()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    keyset = NEWEST_RUN_FIRST

    @extend_schema(operation_id="list_runs_of_connection", responses=answers(RunSerializer(many=True)))
    def get(self, _request: Request, connection_id: UUID) -> Response:
        """The runs of a connection, by when they took place, the newest first."""
        connection = _connection(connection_id)
        return self.answer(self.page(with_jobs(self.get_queryset().of(connection), [connection.pk])))


class RunsView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    filterset_class = RunOfAnyConnectionFilter
    keyset = NEWEST_RUN_OF_ALL_FIRST

    @extend_schema(operation_id="list_runs", responses=answers(RunSerializer(many=True), found=False))
    def get(self, _request: Request) -> Response:
        """The runs of all connections, by when they took place, the newest first."""
        # Named one by one, PostgreSQL follows the index of all runs.
        connection_ids = list(Connection.objects.visible().order_by().values_list("pk", flat=True))
        runs = self.get_queryset().filter(connection_id__in=connection_ids)
        return self.answer(self.page(with_jobs(runs, connection_ids)))


class JobView(ReadView):
    queryset = Job.objects.visible()
    serializer_class = OneJobSerializer

    @extend_schema(operation_id="get_job", responses=answers(OneJobSerializer))
    def get(self, _request: Request, job_id: UUID) -> Response:
        """One job: how it is and why, how its latest runs went, what it reads, writes and contains."""
        return Response(job_details(_job(job_id), now=timezone.now()))


class JobRunsView(ListView):
    queryset = Run.objects.visible().shown()
    serializer_class = RunSerializer
    filterset_class = JobRunFilter
    keyset = NEWEST_RUN_FIRST

    @extend_schema(operation_id="list_runs_of_job", responses=answers(RunSerializer(many=True)))
    def get(self, _request: Request, job_id: UUID) -> Response:
        """The runs of a job, by when they took place, the newest first."""
        job = _job(job_id)
        runs = self.get_queryset().filter(connection_id=job.connection_id, job_id=job.id)
        return self.answer(self.page(with_jobs(runs, [job.connection_id])))


class RunView(ReadView):
    serializer_class = OneRunSerializer
    query_parameters = frozenset({CONNECTION_ID})

    @extend_schema(operation_id="get_run", parameters=[CONNECTION_PARAMETER], responses=answers(OneRunSerializer))
    def get(self, request: Request, run_id: UUID) -> Response:
        """One run, with its error, tries, datasets, test results and facets."""
        return Response(run_details(_found_run(request, run_id)))


class RunChildrenView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    query_parameters = frozenset({CONNECTION_ID})
    keyset = OLDEST_RUN_FIRST

    @extend_schema(
        operation_id="list_children_of_run",
        parameters=[CONNECTION_PARAMETER],
        responses=answers(RunSerializer(many=True)),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """The runs that a run started, also in other connections, by when they took place, the oldest first."""
        children = children_of(_found_run(request, run_id).run)
        connection_ids = Connection.objects.visible().order_by().values_list("pk", flat=True)
        return self.answer(self.page(with_jobs(children, connection_ids)))


class RunEventsView(ListView):
    queryset = Event.objects.visible()
    serializer_class = EventSerializer
    pagination_class = EventPagination
    renderer_classes = [EventRenderer]
    query_parameters = frozenset({CONNECTION_ID})
    keyset = BY_EVENT_TIME
    paginator: EventPagination

    @extend_schema(
        operation_id="list_events_of_run",
        parameters=[CONNECTION_PARAMETER],
        responses=answers(EventSerializer(many=True)),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """The OpenLineage documents of a run as they were received, by event time. Large ones make shorter pages."""
        self.paginator.found = found = _found_run(request, run_id)
        events_of_run = of_run(self.get_queryset(), found.run)
        self.paginator.dropped_events = count_dropped(events_of_run, found.run, now=timezone.now())
        events = self.page(events_of_run)
        return self.get_paginated_response(with_bodies(events, bodies_of_events(events)))


class DatasetsView(ListView):
    queryset = Dataset.objects.visible()
    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    keyset = BY_NAMESPACE_AND_NAME

    @extend_schema(operation_id="list_datasets", responses=answers(DatasetSerializer(many=True), found=False))
    def get(self, _request: Request) -> Response:
        """Every dataset once, by namespace and name, with the connections that touch it."""
        return self.answer(datasets_with(self.page(keys_of(self.get_queryset()))))


class SearchView(ListView):
    queryset = Job.objects.none()
    serializer_class = FoundJobSerializer
    pagination_class = SearchPagination
    query_parameters = frozenset({Q, NEAR})
    keyset = NEAREST_FIRST
    paginator: SearchPagination

    @extend_schema(
        operation_id="search", parameters=PARAMETERS, responses=answers(FoundJobSerializer(many=True), found=False)
    )
    def get(self, request: Request) -> Response:
        """Jobs by words of their names, the nearest first; with connections and runs that were found."""
        self.paginator.search = search = read_search(request)
        with by_index():
            places = self.page(search.places_of_jobs())
        return self.answer(search.jobs_at(places))


@extend_schema(exclude=True)
class NothingHereView(ReadView):
    """Answers every other path under /api/v1, whatever the method."""

    http_method_names = ["get", "head", "options", "post", "put", "patch", "delete", "trace"]

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:
        self.check_permissions(request)
        raise Http404


def _connection(connection_id: UUID) -> Connection:
    return get_object_or_404(Connection.objects.visible(), pk=connection_id)


def _job(job_id: UUID) -> Job:
    job: Job = get_object_or_404(Job.objects.visible(), id=job_id)
    return job


def _found_run(request: Request, run_id: UUID) -> FoundRun:
    """The run that a request means; see `find_run`."""
    text = request.query_params.get(CONNECTION_ID)
    try:
        connection_id = None if text is None else UUID(text)
    except ValueError:
        raise ValidationError({CONNECTION_ID: ["Not a UUID."]}) from None
    found = find_run(run_id, connection_id=connection_id)
    if found is None:
        raise Http404
    return found
