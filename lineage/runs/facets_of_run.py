"""Contents of a run, read from its stored events when a page is opened, because there are no tables of facets.

A run may have 10,000 events, and one event 10 MB. So each reading has bounds, and takes the most important events
first. The result says how much was left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast

from connections.privacy import NOTHING, PrivacyClass
from lineage.events.assertions import TestState
from lineage.events.contents import RunContents, contents_of
from lineage.events.errors import RunError, clean
from lineage.events.identity import job_id
from lineage.events.links import Link
from lineage.events.privacy import hidden_text
from lineage.events.results_of_tests import TestResult, in_order
from lineage.models import Event, Run, RunState
from lineage.models.event import EventQuerySet

_EARLIEST: Final = 5
_COMPARED: Final = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one reading. `size`: bytes of all bodies together."""

    events: int
    size: int


_STATES_OF_TESTS: Final[dict[str, TestState]] = {RunState.FAILED: "errored", RunState.SKIPPED: "skipped"}

# Bounds for a page, and for a reader who asks for everything.
AT_A_GLANCE: Final = Bounds(events=100, size=512 * 1024)
IN_FULL: Final = Bounds(events=1000, size=32 * 1024 * 1024)
# Events that are read for a run's links, and the most bytes of each: nearly all events of a run have the same links.
_EVENTS_FOR_LINKS: Final = 5
_SIZE_FOR_LINKS: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    contents: RunContents
    # Number of events that were read, and that the run has.
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
    """Return the run's events. The time range keeps PostgreSQL to the partitions that hold them."""
    return Event.objects.filter(
        connection_id=run.connection_id,
        subject_id__in=run.event_subject_ids,
        kind=Event.Kind.RUN,
        event_time__range=(run.first_event_at, run.last_event_at),
    )


def read_run(run: Run, bounds: Bounds = AT_A_GLANCE, *, hidden: frozenset[PrivacyClass] = NOTHING) -> Reading:
    """Read a run's contents in three queries; two more if tests have no result. `hidden`: classes that the reader of
    these contents may not see."""
    chosen = _choose(_candidates(run, bounds), run, bounds)
    bodies = [hidden_text(body, hidden) for body in _bodies(run, chosen)]
    contents = contents_of(bodies, state=getattr(run, "shown_state", run.state))
    contents.tests = in_order(_resolve_tests(run, contents.tests))
    reading = Reading(contents, events_read=len(chosen), events=max(run.event_count, len(chosen)))
    contents.is_cut = reading.is_cut
    return reading


def links_of(run: Run) -> list[Link]:
    """Read the links to the sender's pages of a run from its newest events, except large ones. One query."""
    small = events_of(run).filter(body_bytes__lte=_SIZE_FOR_LINKS).order_by("-event_time", "-id")
    newest = list(small.values_list("body", flat=True)[:_EVENTS_FOR_LINKS])
    return contents_of(reversed(newest)).links


def _resolve_tests(run: Run, tests: list[TestResult]) -> list[TestResult]:
    """Resolve tests without a result from other runs of the invocation, as lineage/states/rules.py does.

    Two queries if there are such tests, else none.
    """
    job_ids = {test.name: _run_of_test(run, test) for test in tests if test.state == "no result"}
    if not job_ids or run.invocation_id is None:
        return tests
    beside = Run.objects.filter(connection_id=run.connection_id, invocation_id=run.invocation_id).exclude(id=run.id)
    own_runs = beside.filter(job_id__in=job_ids.values()).values_list("job_id", "shown_state")
    states = {job: _STATES_OF_TESTS.get(state) for job, state in own_runs}
    other: TestState = "skipped" if beside.filter(state=RunState.FAILED).exists() else "errored"
    return [
        replace(test, state=states.get(job_ids[test.name]) or other) if test.state == "no result" else test
        for test in tests
    ]


def _run_of_test(run: Run, test: TestResult) -> UUID:
    """Return the id of a test's own job. It exists if the test is a query."""
    package = run.job.name.split(".")[1:2]
    return job_id(run.connection_id, run.job.namespace, ".".join(["test", *package, test.name]))


def _candidates(run: Run, bounds: Bounds) -> list[_Candidate]:
    """Read the newest events, the earliest ones, and those that gave the run's end and its error."""
    columns = events_of(run).values_list("event_time", "id", "body_bytes")
    newest = columns.order_by("-event_time", "-id")[: bounds.events]
    important = Q(event_time__in=[at for at in (run.ended_at, run.error_at, run.first_event_at) if at])
    found = {_Candidate(*row) for row in (*newest, *columns.filter(important).order_by("event_time", "id")[:_EARLIEST])}
    return sorted(found, key=lambda event: (event.event_time, event.id))


def _choose(candidates: list[_Candidate], run: Run, bounds: Bounds) -> list[_Candidate]:
    """Choose events within the bounds, the most important first. Returns them sorted by time."""
    important = [run.error_at, run.ended_at, run.first_event_at]

    def rank(event: _Candidate) -> tuple[int, float]:
        first = important.index(event.event_time) if event.event_time in important else len(important)
        return first, -event.event_time.timestamp()

    chosen: list[_Candidate] = []
    size = 0
    for event in sorted(candidates, key=rank):
        if len(chosen) < bounds.events and size + event.size <= bounds.size:
            chosen.append(event)
            size += event.size
    return sorted(chosen, key=lambda event: (event.event_time, event.id))


def _bodies(run: Run, chosen: Sequence[_Candidate]) -> list[str]:
    """Read bodies in the order of `chosen`, without events that retention dropped meanwhile.

    The ids are compared as text so that PostgreSQL uses the index of the run's events by time. Given times and ids, it
    may try each pair of them in the primary key.
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
    """Return the error from the events, else from the run's row, which keeps the start of the message."""
    if contents.error:
        return contents.error
    return RunError(clean(run.error_message), "", "") if run.error_message else None


def late_arrivals(run: Run) -> frozenset[UUID]:
    """Return the events that arrived after an event with a later event time. Checks the newest events only."""
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


def event_of(run: Run, event_id: UUID, *, hidden: frozenset[PrivacyClass]) -> dict[str, Any] | None:
    """Return one event of the run with its `size` in bytes, and its body without the classes `hidden`; or None."""
    rows = events_of(run).filter(id=event_id)
    columns = ("id", "event_time", "received_at", "event_type", "body")
    found: dict[str, Any] | None = rows.values(*columns, size=F("body_bytes")).first()
    return found and found | {"body": hidden_text(found["body"], hidden)}
