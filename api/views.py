"""Endpoints under /api/v1. They only read, and only what belongs to connections that the reader may see."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api import lineage
from api.authentication import hidden_from_request
from api.connection_details import OneConnectionSerializer, connection_details
from api.dataset_details import (
    ColumnsSerializer,
    OneDatasetSerializer,
    SchemasSerializer,
    columns_with_origins,
    dataset_details,
)
from api.errors import SeveralRunsFound
from api.events import EventPagination, EventRenderer, with_bodies
from api.filters import (
    ConnectionFilter,
    DatasetFilter,
    JobFilter,
    JobOfAnyConnectionFilter,
    JobRunFilter,
    RunFilter,
    RunOfAnyConnectionFilter,
)
from api.job_details import OneJobSerializer, job_details
from api.lineage import LineageSerializer
from api.pagination import BY_EVENT_TIME, BY_NAME, BY_NAMESPACE_AND_NAME
from api.queries import (
    FoundRun,
    SeveralRuns,
    bodies_of_events,
    count_dropped,
    datasets_with,
    find_run,
    of_run,
    visible_connections,
    with_jobs,
)
from api.reading import ListView, ReadView
from api.run_details import OneRunSerializer, run_details
from api.schema import READ_PARAMETER, RUN_PARAMETERS, answers
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
from lineage.datasets.dataset import FoundDataset, find_dataset, read_dataset, read_facts
from lineage.datasets.listing import keys_of
from lineage.datasets.runs import runs_that_wrote
from lineage.models import Dataset, Event, Job, Run
from lineage.overview.summaries import connection_summaries
from lineage.runs.facets_of_run import AT_A_GLANCE, IN_FULL
from lineage.runs.relations import children_of
from lineage.search.index import by_index
from lineage.search.query import NEAREST_FIRST
from pull.reading import read_fetching_of

CONNECTION_ID, JOB, MAP_INDEX = "connection_id", "job", "map_index"
READ, ALL = "read", "all"
# Parameters that choose one of several runs with one run id.
RUN_CHOICE = frozenset({CONNECTION_ID, JOB, MAP_INDEX})


class ConnectionsView(ListView):
    queryset = Connection.objects.all()
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter
    keyset = BY_NAME

    @extend_schema(operation_id="list_connections", responses=answers(ConnectionSerializer(many=True), found=False))
    def get(self, _request: Request) -> Response:
        """Every connection, by name."""
        connections, now = self.page(self.get_queryset()), timezone.now()
        fetching = read_fetching_of([connection.pk for connection in connections], now=now)
        return self.answer(connection_summaries(connections, now=now, fetching=fetching))


class ConnectionView(ReadView):
    queryset = Connection.objects.all()
    serializer_class = OneConnectionSerializer

    @extend_schema(operation_id="get_connection", responses=answers(OneConnectionSerializer))
    def get(self, request: Request, connection_id: UUID) -> Response:
        """Return a connection, with its API keys and the last requests."""
        return Response(connection_details(_connection(request, connection_id), now=timezone.now()))


class ConnectionJobsView(ListView):
    queryset = Job.objects.shown()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    keyset = BY_NAMESPACE_AND_NAME

    @extend_schema(operation_id="list_jobs", responses=answers(JobSerializer(many=True)))
    def get(self, request: Request, connection_id: UUID) -> Response:
        """The jobs of a connection, by namespace and name."""
        return self.answer(self.page(self.get_queryset().of(_connection(request, connection_id))))


class JobsView(ListView):
    queryset = Job.objects.shown()
    serializer_class = JobSerializer
    filterset_class = JobOfAnyConnectionFilter
    keyset = BY_NAMESPACE_AND_NAME

    @extend_schema(
        operation_id="list_jobs_of_all_connections", responses=answers(JobSerializer(many=True), found=False)
    )
    def get(self, request: Request) -> Response:
        """The jobs of all connections, by namespace and name."""
        return self.answer(self.page(self.get_queryset().filter(connection_id__in=visible_connections(request.user))))


class ConnectionRunsView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    keyset = NEWEST_RUN_FIRST

    @extend_schema(operation_id="list_runs_of_connection", responses=answers(RunSerializer(many=True)))
    def get(self, request: Request, connection_id: UUID) -> Response:
        """The runs of a connection, by when they took place, the newest first."""
        connection = _connection(request, connection_id)
        return self.answer(self.page(with_jobs(self.get_queryset().of(connection), [connection.pk])))


class RunsView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    filterset_class = RunOfAnyConnectionFilter
    keyset = NEWEST_RUN_OF_ALL_FIRST

    @extend_schema(operation_id="list_runs", responses=answers(RunSerializer(many=True), found=False))
    def get(self, request: Request) -> Response:
        """The runs of all connections, by when they took place, the newest first."""
        connection_ids = visible_connections(request.user)
        runs = Run.objects.shown().filter(connection_id__in=connection_ids)
        return self.answer(self.page(with_jobs(runs, connection_ids)))


class JobView(ReadView):
    queryset = Job.objects.all()
    serializer_class = OneJobSerializer

    @extend_schema(operation_id="get_job", responses=answers(OneJobSerializer))
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return a job: its state and why, its latest runs, what it reads, writes and contains."""
        return Response(job_details(_job(request, job_id), request.user, now=timezone.now()))


class JobRunsView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    filterset_class = JobRunFilter
    keyset = NEWEST_RUN_FIRST

    @extend_schema(operation_id="list_runs_of_job", responses=answers(RunSerializer(many=True)))
    def get(self, request: Request, job_id: UUID) -> Response:
        """The runs of a job, by when they took place, the newest first."""
        job = _job(request, job_id)
        runs = self.get_queryset().filter(connection_id=job.connection_id, job_id=job.id)
        return self.answer(self.page(with_jobs(runs, [job.connection_id])))


class RunView(ReadView):
    serializer_class = OneRunSerializer
    query_parameters = RUN_CHOICE | {READ}

    @extend_schema(
        operation_id="get_run",
        parameters=[*RUN_PARAMETERS, READ_PARAMETER],
        responses=answers(OneRunSerializer, several=True),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """Return a run, with its error, tries, datasets, test results and facets."""
        found, read = _found_run(request, run_id), request.query_params.get(READ)
        if read not in (None, ALL):
            raise ValidationError({READ: [f"Only `{ALL}` is known."]})
        hidden = hidden_from_request(request, found.run.connection)
        return Response(run_details(found, request.user, IN_FULL if read else AT_A_GLANCE, hidden))


class RunChildrenView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    query_parameters = RUN_CHOICE
    keyset = OLDEST_RUN_FIRST

    @extend_schema(
        operation_id="list_children_of_run",
        parameters=RUN_PARAMETERS,
        responses=answers(RunSerializer(many=True), several=True),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """The runs that a run started, also in other connections, by when they took place, the oldest first."""
        children = children_of(_found_run(request, run_id).run, request.user)
        connection_ids = Connection.objects.visible(request.user).order_by().values_list("pk", flat=True)
        return self.answer(self.page(with_jobs(children, connection_ids)))


class RunEventsView(ListView):
    queryset = Event.objects.all()
    serializer_class = EventSerializer
    pagination_class = EventPagination
    renderer_classes = [EventRenderer]
    query_parameters = RUN_CHOICE
    keyset = BY_EVENT_TIME
    paginator: EventPagination

    @extend_schema(
        operation_id="list_events_of_run",
        parameters=RUN_PARAMETERS,
        responses=answers(EventSerializer(many=True), several=True),
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """The OpenLineage documents of a run as they were received, by event time. Large ones make shorter pages.

        Parts that the connection's privacy settings keep from you are left out; `_observatory_hidden` lists them. For a
        token without the scope `read:hidden` these are all parts that not everybody sees.
        """
        self.paginator.found = found = _found_run(request, run_id)
        events_of_run = of_run(self.get_queryset(), found.run)
        self.paginator.dropped_events = count_dropped(events_of_run, found.run, now=timezone.now())
        events = self.page(events_of_run)
        hidden = hidden_from_request(request, found.run.connection)
        return self.get_paginated_response(with_bodies(events, bodies_of_events(events, hidden)))


class DatasetsView(ListView):
    queryset = Dataset.objects.all()
    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    keyset = BY_NAMESPACE_AND_NAME

    @extend_schema(operation_id="list_datasets", responses=answers(DatasetSerializer(many=True), found=False))
    def get(self, request: Request) -> Response:
        """Every dataset once, by namespace and name, with the connections that touch it."""
        return self.answer(datasets_with(self.page(keys_of(self.get_queryset())), request.user))


class DatasetView(ReadView):
    queryset = Dataset.objects.all()
    serializer_class = OneDatasetSerializer

    @extend_schema(operation_id="get_dataset", responses=answers(OneDatasetSerializer))
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Return a dataset: who writes and reads it, its schema, rows, tests and other names, over all connections."""
        return Response(dataset_details(read_dataset(_dataset(request, dataset_id))))


class DatasetSchemasView(ReadView):
    queryset = Dataset.objects.all()
    serializer_class = SchemasSerializer

    @extend_schema(operation_id="get_schemas_of_dataset", responses=answers(SchemasSerializer))
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Return the current schema of a dataset, and its changes, the latest first."""
        _, schema = read_facts(_dataset(request, dataset_id))
        return Response(SchemasSerializer(schema).data)


class DatasetColumnsView(ReadView):
    queryset = Dataset.objects.all()
    serializer_class = ColumnsSerializer

    @extend_schema(operation_id="get_columns_of_dataset", responses=answers(ColumnsSerializer))
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Return the columns of a dataset, with the columns that they come from, and their test results."""
        return Response(columns_with_origins(read_dataset(_dataset(request, dataset_id))))


class DatasetRunsView(ListView):
    queryset = Run.objects.shown()
    serializer_class = RunSerializer
    keyset = NEWEST_RUN_OF_ALL_FIRST

    @extend_schema(operation_id="list_runs_of_dataset", responses=answers(RunSerializer(many=True)))
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """The runs that wrote a dataset, in all connections, by when they took place, the newest first."""
        found = _dataset(request, dataset_id)
        connection_ids = list(found.connections)
        return self.answer(self.page(with_jobs(runs_that_wrote(found.names, connection_ids), connection_ids)))


class LineageView(ReadView):
    serializer_class = LineageSerializer
    query_parameters = lineage.QUERY

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Senders that know only Marquez send events to this path: the intake answers POST."""
        headers: dict[str, str] = super().default_response_headers
        return headers | {"Allow": f"{headers['Allow']}, POST"}

    @extend_schema(operation_id="get_lineage", parameters=lineage.PARAMETERS, responses=answers(LineageSerializer))
    def get(self, request: Request) -> Response:
        """Return where data comes from and where it goes, around a dataset, a job or a run, across connections."""
        return Response(self.get_serializer(lineage.read_lineage(request)).data)


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


def _connection(request: Request, connection_id: UUID) -> Connection:
    return get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)


def _job(request: Request, job_id: UUID) -> Job:
    job: Job = get_object_or_404(Job.objects.visible(request.user), id=job_id)
    return job


def _dataset(request: Request, dataset_id: UUID) -> FoundDataset:
    found = find_dataset(dataset_id, request.user)
    if found is None:
        raise Http404
    return found


def _found_run(request: Request, run_id: UUID) -> FoundRun:
    """The run that a request means; see `find_run`."""
    connection_id, job_id = _uuid(request, CONNECTION_ID), _uuid(request, JOB)
    index = request.query_params.get(MAP_INDEX)
    if index is not None and not (index.isascii() and index.isdecimal() and len(index) < 10):
        raise ValidationError({MAP_INDEX: ["Not a number."]})
    map_index = None if index is None else int(index)
    try:
        found = find_run(run_id, request.user, connection_id=connection_id, job_id=job_id, map_index=map_index)
    except SeveralRuns as several:
        raise SeveralRunsFound(several.runs) from None
    if found is None:
        raise Http404
    return found


def _uuid(request: Request, parameter: str) -> UUID | None:
    text = request.query_params.get(parameter)
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise ValidationError({parameter: ["Not a UUID."]}) from None
