"""Details of one run, for `/runs/{id}`: the whole error, tries, datasets, test results, facets."""

from typing import Any

from rest_framework import serializers

from api.queries import FoundRun
from api.serializers import JobNameSerializer, LinkSerializer, RunSerializer, listed, reason_of
from connections.privacy import PrivacyClass
from connections.querysets import Reader
from lineage.events.assertions import TEST_STATES
from lineage.events.contents import RunContents
from lineage.events.errors import RunError
from lineage.events.parts import Problem
from lineage.events.results_of_tests import TestResult
from lineage.models import Edge, Run, RunState
from lineage.runs.facets_of_run import Bounds, error_of, late_arrivals, read_run
from lineage.runs.reasons import reasons_of
from lineage.runs.relations import (
    Placeholder,
    parent_of,
    root_of,
    shown_instead,
    shown_one_by_one,
    tries_of,
)
from lineage.runs.run_datasets import MOST_SHOWN, RunDataset, datasets_of_run


class RelativeSerializer(serializers.Serializer[Any]):
    """Another run, as an event named it, and where it is."""

    run_id = serializers.UUIDField()
    connection_id = serializers.UUIDField(
        allow_null=True, help_text="Null: it was never received, or several connections hold one that it could be."
    )
    job = JobNameSerializer(allow_null=True)


class ErrorOfRunSerializer(serializers.Serializer[RunError]):
    """Error of a failed run, in its sender's words."""

    message = serializers.CharField()
    programming_language = serializers.CharField(allow_blank=True)
    stack_trace = serializers.CharField(allow_blank=True)


class TrySerializer(serializers.Serializer[Run]):
    """Try of the run's task."""

    id = serializers.UUIDField(source="run_id")
    attempt = serializers.IntegerField()
    state = serializers.ChoiceField(RunState.choices, source="shown_state")


class RunDatasetSerializer(serializers.Serializer[RunDataset]):
    """A dataset that the run read or wrote."""

    id = serializers.UUIDField(source="dataset.id")
    namespace = serializers.CharField(source="dataset.namespace")
    name = serializers.CharField(source="dataset.name")
    direction = serializers.ChoiceField(Edge.Direction.choices)
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(source="size", allow_null=True)
    files = serializers.IntegerField(allow_null=True)
    subset = serializers.CharField(allow_null=True, help_text="The part of it that was touched. Null: not reported.")


class TestSerializer(serializers.Serializer[TestResult]):
    """An assertion on a dataset, as the run found it."""

    namespace = serializers.CharField()
    dataset = serializers.CharField()
    assertion = serializers.CharField(help_text="Such as `not_null`.")
    name = serializers.CharField(allow_blank=True)
    column = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(TEST_STATES)
    actual = serializers.CharField(allow_blank=True)
    expected = serializers.CharField(allow_blank=True)


class FacetsSerializer(serializers.Serializer[RunContents]):
    """Facets of all events of the run. Of two with one name, the later one counts."""

    run = serializers.DictField(source="run_facets")
    job = serializers.DictField(source="job_facets")


class ProblemSerializer(serializers.Serializer[Problem]):
    """A part of an event that is not as OpenLineage has it; the rest of it was read."""

    path = serializers.CharField()
    message = serializers.CharField()


class OneRunSerializer(RunSerializer):
    """Execution of a job, with the contents of its events."""

    parent = RelativeSerializer(allow_null=True, help_text="The run that started this one.")  # type: ignore[assignment]
    root = RelativeSerializer(  # type: ignore[assignment]
        allow_null=True, help_text="The run at the top of the chain of parents."
    )
    other_connections = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Other connections that hold a run with this id; choose one by `?connection_id=`.",
    )
    shown_instead = serializers.UUIDField(
        allow_null=True, help_text="The run that lists show in the place of this one, where its sender sent it twice."
    )
    shown_one_by_one = serializers.ListField(
        child=serializers.UUIDField(),
        allow_null=True,
        help_text="Of all tests of a model as one run, where lists show each by itself: the runs of those with a "
        "result.",
    )
    error = ErrorOfRunSerializer(allow_null=True)
    reason = serializers.CharField(
        allow_null=True,
        help_text="Why it is in its state, in words, where other runs or the time tell it rather than its error.",
    )
    reason_runs = serializers.ListField(child=serializers.UUIDField(), help_text="The runs that `reason` names.")
    tries = TrySerializer(many=True, help_text="All tries of the task, the first one first; empty where there is one.")
    datasets = RunDatasetSerializer(many=True, help_text=f"What it wrote, then what it read; {MOST_SHOWN} at most.")
    extraction = serializers.CharField(
        allow_null=True,
        help_text="`incomplete: 2 of 5 statements`: its sender does not know what these two read and write. Null: "
        "it does, or says nothing.",
    )
    tests = TestSerializer(many=True)
    facets = FacetsSerializer()
    links = LinkSerializer(many=True, help_text="Ways to the sender's own pages or logs of the run, from its facets.")
    problems = ProblemSerializer(many=True, help_text="Parts of the events that are not as OpenLineage has them.")
    hidden = serializers.ListField(
        child=serializers.CharField(),
        help_text="Parts of the events that the connection's privacy settings keep from you, or from a token without "
        "the scope `read:hidden`, such as `job.facets.sql`.",
    )
    dropped = serializers.ListField(
        child=serializers.CharField(), help_text="Parts that were removed before the events were stored."
    )
    events_read = serializers.IntegerField(
        help_text="Of how many events error, datasets, tests and facets tell. Where a run has more than a hundred, or "
        "large ones, these are the most telling; `?read=all` reads on."
    )
    events_out_of_order = serializers.BooleanField(
        help_text="Whether any event arrived after one that took place later, by the sender's clock."
    )


def run_details(found: FoundRun, reader: Reader, bounds: Bounds, hidden: frozenset[PrivacyClass]) -> Any:
    """Read what OneRunSerializer describes, without the classes `hidden` of parts of events."""
    run = found.run
    reading = read_run(run, bounds, hidden=hidden)
    tries = list(tries_of(run))
    instead, error = shown_instead(run), error_of(run, reading.contents)
    parent, one_by_one = parent_of(run, reader), shown_one_by_one(run)
    return {
        **RunSerializer(run).data,
        "parent": _relative(parent, run.parent_job_namespace, run.parent_job_name),
        "root": _relative(root_of(run, reader), run.root_job_namespace, run.root_job_name),
        "other_connections": found.other_connections,
        "shown_instead": instead and instead.run_id,
        "shown_one_by_one": None if one_by_one is None else [test.run_id for test in one_by_one],
        "error": error and ErrorOfRunSerializer(error).data,
        **reason_of(reasons_of(run, reading.contents, reader, read_parent=lambda _: parent)),
        "tries": listed(TrySerializer, tries if len(tries) > 1 else []),
        "datasets": listed(RunDatasetSerializer, datasets_of_run(run, reading.contents)),
        "extraction": reading.contents.extraction or None,
        "tests": listed(TestSerializer, reading.contents.tests),
        "facets": FacetsSerializer(reading.contents).data,
        "links": listed(LinkSerializer, reading.contents.links),
        "problems": listed(ProblemSerializer, reading.contents.problems),
        "hidden": reading.contents.hidden,
        "dropped": reading.contents.dropped,
        "events_read": reading.events_read,
        "events_out_of_order": bool(late_arrivals(run)),
    }


def _relative(relative: Run | Placeholder | None, namespace: str, name: str) -> Any:
    if relative is None:
        return None
    connection_id = relative.connection_id if isinstance(relative, Run) else None
    job = {"namespace": namespace, "name": name} if name else None
    return {"run_id": relative.run_id, "connection_id": connection_id, "job": job}
