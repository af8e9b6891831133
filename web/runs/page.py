"""All that a run's page shows, read on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.db.models import F

from lineage.database.keyset import Keyset, KeysetPage
from lineage.events.assertions import TEST_STATES
from lineage.events.contents import RunContents, RunError, TestResult
from lineage.events.senders import ERROR_CODES, sender_of, task_graph_of, words_of
from lineage.events.senders.sender import Advice
from lineage.jobs.statistics import job_statistics
from lineage.models import Job, Run, RunState
from lineage.runs.facets_of_run import (
    AT_A_GLANCE,
    IN_FULL,
    Reading,
    error_of,
    events_of,
    late_arrivals,
    read_run,
)
from lineage.runs.reasons import Sentence, reasons_of
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
from web.runs.children import Children, cursor_text, keyset_page
from web.runs.page_choices import RunPageChoices
from web.runs.timeline import duration_of

EVENTS_SHOWN = 25
TESTS_SHOWN = 200
TRIES_SHOWN = 50
BY_EVENT_TIME = Keyset({"event_time": datetime, "id": UUID})


@dataclass(frozen=True, slots=True)
class EventRow:
    id: UUID
    event_time: datetime
    received_at: datetime
    event_type: str
    size: int
    # Arrived after an event that took place later.
    late: bool


@dataclass(frozen=True)
class RunPage:
    run: Run
    choices: RunPageChoices
    now: datetime

    @property
    def duration(self) -> timedelta | None:
        return duration_of(self.run, now=self.now)

    @cached_property
    def median(self) -> timedelta | None:
        """Of the job's latest completed runs; None where this would be the only one."""
        statistics = job_statistics([self.run.job]).get(self.run.job_id)
        return statistics.median if statistics and statistics.completed > 1 else None

    @property
    def times_the_median(self) -> float | None:
        """None where it is about as long as ever, or not known."""
        if self.duration is None or not self.median:
            return None
        ratio = self.duration / self.median
        return ratio if ratio >= 1.5 else None

    @cached_property
    def parent(self) -> Run | Placeholder | None:
        return parent_of(self.run)

    @property
    def called(self) -> tuple[str, str] | None:
        """What the orchestrator calls the run, or the one that it is a part of: a task's DAG run. In front a title, as
        the orchestrator's own pages and logs have it. None: nothing was said."""
        for run in (self.run, self.parent):
            if isinstance(run, Run) and run.orchestrator_run_id:
                return words_of(run.job.integration).run_id_title, run.orchestrator_run_id
        return None

    @cached_property
    def root(self) -> Run | Placeholder | None:
        """None as well where it is the parent itself."""
        return None if self.run.root_run_id == self.run.parent_run_id else root_of(self.run)

    @cached_property
    def shown_instead(self) -> Run | None:
        """The run that stands for this one in lists, where its sender sent it twice."""
        return shown_instead(self.run)

    @cached_property
    def shown_one_by_one(self) -> list[Run] | None:
        """Where lists show tests each for itself, in the place of this run: those of them that have a result."""
        return shown_one_by_one(self.run)

    @cached_property
    def tries(self) -> list[Run]:
        """All tries of this task, the first one first; none where it was tried once."""
        found = list(tries_of(self.run)[:TRIES_SHOWN])
        return found if len(found) > 1 else []

    @cached_property
    def children(self) -> Children:
        sender = sender_of(self.contents.tasks_told_by)
        graph = task_graph_of(self.contents.job_facets)
        return Children(
            children_of(self.run),
            self.run.connection_id,
            self.choices,
            self.now,
            parent=self.run,
            prefix=self.run.job.name,
            why_silent=lambda task: sender.why_silent(task, self.contents, graph),
        )

    @cached_property
    def reasons(self) -> list[Sentence]:
        return reasons_of(self.run, self.contents)

    # --- What its events say ------------------------------------------------------------------------------------

    @cached_property
    def reading(self) -> Reading:
        return read_run(self.run, IN_FULL if self.choices.in_full else AT_A_GLANCE)

    @property
    def contents(self) -> RunContents:
        return self.reading.contents

    @cached_property
    def error(self) -> RunError | None:
        """None as well where it is only a code, which the reasons put into words."""
        error = error_of(self.run, self.contents)
        return None if error and error.message in ERROR_CODES and not error.stack_trace else error

    @cached_property
    def advice_on_errors(self) -> Advice | None:
        """Advice how to make the sender say why this node failed. None: it said so, or nothing makes it."""
        job = self.run.job
        is_failed_node = self.run.shown_state == RunState.FAILED and job.kind not in (Job.Kind.JOB, Job.Kind.SQL)
        told = self.error or any(test.state == "failed" for test in self.tests)
        return words_of(job.integration).on_missing_errors if is_failed_node and not told else None

    @property
    def more_to_read(self) -> bool:
        return self.reading.is_cut and not self.choices.in_full

    @cached_property
    def datasets(self) -> list[RunDataset]:
        return datasets_of_run(self.run, self.contents)

    @property
    def hidden_datasets(self) -> int:
        return max(len(self.run.edge_ids) - MOST_SHOWN, 0)

    @property
    def tests(self) -> Sequence[TestResult]:
        return self.contents.tests[:TESTS_SHOWN]

    @property
    def tests_by_state(self) -> list[tuple[str, int]]:
        counts = {state: sum(test.state == state for test in self.contents.tests) for state in TEST_STATES}
        return [(state, count) for state, count in counts.items() if count]

    @cached_property
    def late(self) -> frozenset[UUID]:
        return late_arrivals(self.run)

    @cached_property
    def event_page(self) -> KeysetPage:
        columns = ("id", "event_time", "received_at", "event_type")
        rows = events_of(self.run).values(*columns, size=F("body_bytes"))
        return keyset_page(rows, BY_EVENT_TIME, self.choices.events, EVENTS_SHOWN)

    @cached_property
    def events(self) -> list[EventRow]:
        return [
            EventRow(**{**row, "event_type": row["event_type"] or ""}, late=row["id"] in self.late)
            for row in self.event_page.rows
        ]

    @property
    def previous_events_query(self) -> str:
        return self.choices.query(events=cursor_text(self.event_page.previous)) if self.event_page.has_previous else ""

    @property
    def next_events_query(self) -> str:
        return self.choices.query(events=cursor_text(self.event_page.next)) if self.event_page.has_next else ""
