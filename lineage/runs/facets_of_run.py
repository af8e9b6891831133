"""What the stored events of a run say: read when somebody looks, for there are no tables of facets.

A run may have 10,000 events, and one of them 10 MB: so a reading is bounded, and takes first the events that
matter most. What was left out is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast

from lineage.events.assertions import TestState
from lineage.events.contents import RunContents, RunError, TestResult, contents_of, in_order
from lineage.events.identity import job_id
from lineage.models import Event, Run, RunState
from lineage.models.event import EventQuerySet

_EARLIEST: Final = 5
_COMPARED: Final = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one reading. The bytes are those of the bodies, together."""

    events: int
    size: int


_STATES_OF_TESTS: Final[dict[str, TestState]] = {RunState.FAILED: "errored", RunState.SKIPPED: "skipped"}

# What a page takes along, and what somebody who asks for all of it gets.
AT_A_GLANCE: Final = Bounds(events=100, size=512 * 1024)
IN_FULL: Final = Bounds(events=1000, size=32 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Reading:
    contents: RunContents
    # How many events were read, and how many the run has.
    events_read: int
    events: int

    @property
    def is_cut(self) -> bool:
        return self.events_read < self.events


@dataclass(frozen=True, slots=True)
class _Candidate:
    event_time: datetime
    id: UUID
    size: int


def events_of(run: Run) -> EventQuerySet:
    """The span of time keeps PostgreSQL to the partitions that hold them."""
    return Event.objects.filter(
        connection_id=run.connection_id,
        subject_id=run.id,
        kind=Event.Kind.RUN,
        event_time__range=(run.first_event_at, run.last_event_at),
    )


def read_run(run: Run, bounds: Bounds = AT_A_GLANCE) -> Reading:
    """Three queries, whatever the run holds; two more for tests that have no result."""
    chosen = _choose(_candidates(run, bounds), run, bounds)
    contents = contents_of(_bodies(run, chosen), state=getattr(run, "shown_state", run.state))
    contents.tests = in_order(_settled(run, contents.tests))
    return Reading(contents, events_read=len(chosen), events=max(run.event_count, len(chosen)))


def _settled(run: Run, tests: list[TestResult]) -> list[TestResult]:
    """With what other runs of the invocation tell of tests that have no result, as lineage/states/rules.py puts it:
    two queries, if there are any."""
    of_runs = {test.name: _run_of_test(run, test) for test in tests if test.state == "no result"}
    if not of_runs or run.invocation_id is None:
        return tests
    beside = Run.objects.filter(connection_id=run.connection_id, invocation_id=run.invocation_id).exclude(id=run.id)
    own_runs = beside.filter(job_id__in=of_runs.values()).values_list("job_id", "shown_state")
    states = {job: _STATES_OF_TESTS.get(state) for job, state in own_runs}
    other: TestState = "skipped" if beside.filter(state=RunState.FAILED).exists() else "errored"
    return [
        replace(test, state=states.get(of_runs[test.name]) or other) if test.state == "no result" else test
        for test in tests
    ]


def _run_of_test(run: Run, test: TestResult) -> UUID:
    """The job of a test that is a query; of another one, that of none."""
    package = run.job.name.split(".")[1:2]
    return job_id(run.connection_id, run.job.namespace, ".".join(["test", *package, test.name]))


def _candidates(run: Run, bounds: Bounds) -> list[_Candidate]:
    """The newest, the earliest, and those that the run's end and its error come from."""
    columns = events_of(run).values_list("event_time", "id", "body_bytes")
    newest = columns.order_by("-event_time", "-id")[: bounds.events]
    telling = Q(event_time__in=[at for at in (run.ended_at, run.error_at, run.first_event_at) if at])
    found = {_Candidate(*row) for row in (*newest, *columns.filter(telling).order_by("event_time", "id")[:_EARLIEST])}
    return sorted(found, key=lambda event: (event.event_time, event.id))


def _choose(candidates: list[_Candidate], run: Run, bounds: Bounds) -> list[_Candidate]:
    """Those that fit into the bounds, the most telling first, in the order of time."""
    telling = [run.error_at, run.ended_at, run.first_event_at]

    def rank(event: _Candidate) -> tuple[int, float]:
        first = telling.index(event.event_time) if event.event_time in telling else len(telling)
        return first, -event.event_time.timestamp()

    chosen: list[_Candidate] = []
    size = 0
    for event in sorted(candidates, key=rank):
        if len(chosen) < bounds.events and size + event.size <= bounds.size:
            chosen.append(event)
            size += event.size
    return sorted(chosen, key=lambda event: (event.event_time, event.id))


def _bodies(run: Run, chosen: Sequence[_Candidate]) -> list[str]:
    """In the order of `chosen`. One that retention dropped meanwhile is left out.

    The ids are compared as text, so that PostgreSQL follows the index of the run's events by their times alone: by
    times and ids it may try each pair of them in the primary key.
    """
    rows = (
        events_of(run)
        .filter(event_time__in={event.event_time for event in chosen})
        .annotate(text_id=Cast("id", TextField()))
        .filter(text_id__in=[str(event.id) for event in chosen])
    )
    bodies = dict(rows.values_list("id", "body"))
    return [bodies[event.id] for event in chosen if event.id in bodies]


def error_of(run: Run, contents: RunContents) -> RunError | None:
    """From the event itself, else from the run's own row, which keeps the message's beginning."""
    if contents.error:
        return contents.error
    return RunError(run.error_message, "", "") if run.error_message else None


def late_arrivals(run: Run) -> frozenset[UUID]:
    """The events that arrived after one that took place later, by the sender's clock; of the newest ones only."""
    rows = events_of(run).order_by("-event_time", "-received_at").values_list("event_time", "received_at", "id")
    late, first_later, first_here, here = [], None, None, None
    for event_time, received_at, id_ in rows[:_COMPARED]:
        if event_time != here:
            first_later = min(filter(None, (first_later, first_here)), default=None)
            here, first_here = event_time, received_at
        first_here = min(first_here, received_at)
        if first_later is not None and received_at > first_later:
            late.append(id_)
    return frozenset(late)


def event_of(run: Run, event_id: UUID) -> dict[str, Any] | None:
    """One event of the run with its body and `size` in bytes, or None."""
    rows = events_of(run).filter(id=event_id)
    columns = ("id", "event_time", "received_at", "event_type", "body")
    found: dict[str, Any] | None = rows.values(*columns, size=F("body_bytes")).first()
    return found
