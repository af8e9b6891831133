"""A run's page: reads all that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from connections.access import hidden_classes
from connections.querysets import Reader
from lineage.database.keyset import OLDEST_RUN_FIRST, Keyset, KeysetPage
from lineage.events.assertions import TEST_STATES
from lineage.events.contents import RunContents
from lineage.events.errors import RunError
from lineage.events.results_of_tests import TestResult
from lineage.events.senders import ERROR_CODES, sender_of, task_graph_of, words_of
from lineage.events.senders.sender import Advice
from lineage.jobs.statistics import job_statistics
from lineage.models import Edge, Job, Run, RunState
from lineage.runs.durations import run_duration
from lineage.runs.facets_of_run import (
    AT_A_GLANCE,
    IN_FULL,
    Reading,
    error_of,
    events_of,
    late_arrivals,
    read_run,
)
from lineage.runs.neighbours import Neighbours, neighbours_of
from lineage.runs.reasons import Sentence, reasons_of, said_by_events
from lineage.runs.relations import (
    Placeholder,
    children_of,
    parent_of,
    root_of,
    shown_instead,
    shown_one_by_one,
    tries_of,
)
from lineage.runs.run_datasets import MOST_SHOWN, RunDataset, datasets_of_run
from web.components.lineage_strip import LineageStrip, read_strip
from web.components.lists import Choices, Listing, Places, keyset_page, keyset_places
from web.components.values import one_of, place_in, uuid, whole_number
from web.runs.children import (
    ChildFilter,
    Children,
    ChildRuns,
    FailedChild,
    read_children,
    read_failed_first,
)
from web.runs.comparison import KINDS as COMPARED_WITH
from web.runs.comparison import Compared, read_comparison

EVENTS_SHOWN = 25
TESTS_SHOWN = 200
TRIES_SHOWN = 50
BY_EVENT_TIME = Keyset({"event_time": datetime, "id": UUID})
# Read the facets of large runs as well, which takes its time.
ALL = "all"
# The state of the child runs that are shown, and where both lists of the page begin.
RUN_PAGE = Listing(
    ChildFilter,
    {"state": "state"},
    kept={
        "children": place_in(OLDEST_RUN_FIRST),
        "events": place_in(BY_EVENT_TIME),
        "read": one_of([ALL]),
        "compare": one_of(COMPARED_WITH),
        # Which of the runs with this run id.
        "job": uuid,
        "map_index": whole_number,
    },
)


@dataclass(frozen=True, slots=True)
class EventRow:
    id: UUID
    event_time: datetime
    received_at: datetime
    event_type: str
    size: int
    # Arrived after an event that took place later.
    late: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    run: Run
    choices: Choices
    duration: timedelta | None
    # Of the job's latest completed runs; None where this would be the only one.
    median: timedelta | None
    parent: Run | Placeholder | None
    # None as well where it is the parent itself.
    root: Run | Placeholder | None
    # The run that stands for this one in lists, where its sender sent it twice.
    shown_instead: Run | None
    # Where lists show tests each for itself, in the place of this run: those of them that have a result.
    shown_one_by_one: list[Run] | None
    # All tries of this task, the first one first; none where it was tried once.
    tries: list[Run]
    children: Children | None
    # The earliest child runs that failed; none where the reader chose a state, and sees but that one.
    failed_first: list[FailedChild]
    neighbours: Neighbours
    # None where the reader asks for none.
    compared: Compared | None
    reasons: list[Sentence]
    # Read from its events.
    reading: Reading
    # None as well where it is only a code, which the reasons put into words.
    error: RunError | None
    datasets: list[RunDataset]
    strip: LineageStrip
    late: frozenset[UUID]
    event_page: KeysetPage

    @property
    def times_the_median(self) -> float | None:
        """The duration divided by the median. None if the run takes about as long as usual, or if that is not known."""
        if self.duration is None or not self.median:
            return None
        ratio = self.duration / self.median
        return ratio if ratio >= 1.5 else None

    @property
    def called(self) -> tuple[str, str] | None:
        """The orchestrator's title and name for the run, or for the DAG run that a task is a part of. None: unknown."""
        for run in (self.run, self.parent):
            if isinstance(run, Run) and run.orchestrator_run_id:
                return words_of(run.job.integration).run_id_title, run.orchestrator_run_id
        return None

    @property
    def why(self) -> list[Sentence]:
        """The reasons, without those that only name child runs which the page lists with their errors. Of a run
        without any, the tests that failed."""
        listed = {(failed.run.connection_id, failed.run.id) for failed in self.failed_first}
        found = [
            reason
            for reason in self.reasons
            if not reason.causes
            or any((cause.run.connection_id, cause.run.id) not in listed for cause in reason.causes)
        ]
        is_unexplained = self.run.shown_state == RunState.FAILED and not (found or self.error or self.failed_first)
        said = said_by_events(self.contents) if is_unexplained else None
        return [said] if said else found

    @property
    def contents(self) -> RunContents:
        return self.reading.contents

    @property
    def sql(self) -> str:
        """The query that the run executed, according to its job facet `sql`; empty: none is given."""
        facet = self.contents.job_facets.get("sql")
        query = facet.get("query") if isinstance(facet, dict) else None
        return query if isinstance(query, str) else ""

    @property
    def advice_on_errors(self) -> Advice | None:
        """Advice how to make the sender say why this node failed. None: it said so, or there is no way."""
        job = self.run.job
        is_failed_node = self.run.shown_state == RunState.FAILED and job.kind not in (Job.Kind.JOB, Job.Kind.SQL)
        is_explained = self.error or any(test.state == "failed" for test in self.tests)
        return words_of(job.integration).on_missing_errors if is_failed_node and not is_explained else None

    @property
    def more_to_read(self) -> bool:
        return self.reading.is_cut and not self.choices["read"]

    @property
    def hidden_datasets(self) -> int:
        return max(len(self.run.edge_ids) - MOST_SHOWN, 0)

    @property
    def tests(self) -> Sequence[TestResult]:
        return self.contents.tests[:TESTS_SHOWN]

    @property
    def tested(self) -> list[tuple[TestResult, UUID | None]]:
        """The tests that are shown, each with the id of its dataset; None: that is not among the datasets."""
        ids = {(row.dataset.namespace, row.dataset.name): row.dataset.id for row in self.datasets}
        return [(test, ids.get((test.namespace, test.dataset))) for test in self.tests]

    @property
    def tests_by_state(self) -> list[tuple[str, int]]:
        counts = {state: sum(test.state == state for test in self.contents.tests) for state in TEST_STATES}
        return [(state, count) for state, count in counts.items() if count]

    @property
    def events(self) -> list[EventRow]:
        return [
            EventRow(**{**row, "event_type": row["event_type"] or ""}, late=row["id"] in self.late)
            for row in self.event_page.rows
        ]

    @property
    def event_places(self) -> Places:
        return keyset_places(self.choices, self.event_page, "events")

    @property
    def full_query(self) -> str:
        return self.choices.query(read=ALL)


def read_run_page(run: Run, choices: Choices, reader: Reader, *, now: datetime) -> RunPage:
    """Read all that the page of a run shows. `run` has its `job`."""
    hidden = hidden_classes(run.connection, reader)
    reading = read_run(run, IN_FULL if choices["read"] else AT_A_GLANCE, hidden=hidden)
    parent, instead = parent_of(run, reader), shown_instead(run)
    below = _child_runs(run, reading.contents, reader)
    children = read_children(below, choices, now=now)
    datasets = datasets_of_run(run, reading.contents)
    neighbours = neighbours_of(run)
    lists_failed = children and children.failures and not choices["state"]
    return RunPage(
        run=run,
        choices=choices,
        duration=run_duration(run, now=now),
        median=_median(run),
        parent=parent,
        root=None if run.root_run_id == run.parent_run_id else root_of(run, reader),
        shown_instead=instead,
        shown_one_by_one=None if instead else shown_one_by_one(run),
        tries=_tries(run),
        children=children,
        failed_first=read_failed_first(below) if lists_failed else [],
        neighbours=neighbours,
        compared=read_comparison(
            run, choices["compare"], neighbours, (reading.contents, datasets), reader, hidden=hidden, now=now
        ),
        reasons=reasons_of(run, reading.contents, reader, read_parent=lambda _: parent),
        reading=reading,
        error=_error(run, reading.contents),
        datasets=datasets,
        strip=_strip(run, datasets, reader),
        late=late_arrivals(run),
        event_page=_event_page(run, choices),
    )


def _strip(run: Run, datasets: list[RunDataset], reader: Reader) -> LineageStrip:
    reads = [row.dataset for row in datasets if row.direction == Edge.Direction.READS]
    writes = [row.dataset for row in datasets if row.direction == Edge.Direction.WRITES]
    return read_strip(run.job_id, reads, writes, reader, node=f"run:{run.run_id}")


def _median(run: Run) -> timedelta | None:
    statistics = job_statistics([run.job]).get(run.job_id)
    return statistics.median if statistics and statistics.completed > 1 else None


def _tries(run: Run) -> list[Run]:
    found = list(tries_of(run).for_list()[:TRIES_SHOWN])
    return found if len(found) > 1 else []


def _child_runs(run: Run, contents: RunContents, reader: Reader) -> ChildRuns:
    sender, graph = sender_of(contents.tasks_reported_by), task_graph_of(contents.job_facets)
    return ChildRuns(
        children_of(run, reader),
        run.connection_id,
        parent=run,
        prefix=run.job.name,
        why_silent=lambda task: sender.why_silent(task, contents, graph),
    )


def _error(run: Run, contents: RunContents) -> RunError | None:
    error = error_of(run, contents)
    return None if error and error.message in ERROR_CODES and not error.stack_trace else error


def _event_page(run: Run, choices: Choices) -> KeysetPage:
    rows = events_of(run).values("id", "event_time", "received_at", "event_type", size=F("body_bytes"))
    return keyset_page(BY_EVENT_TIME, rows, choices, EVENTS_SHOWN, "events")
