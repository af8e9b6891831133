"""Cases from the field: events of public bug reports and of real senders, and what is read back of a job after them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from typing import Any

from lineage.events import InvalidEvent, decode_event
from lineage.events.contents import RunContents
from lineage.jobs.job_datasets import datasets_of_job
from lineage.jobs.story import recent_runs, story_of
from lineage.models import Edge, Job, Run
from lineage.runs.durations import run_duration
from lineage.runs.error_headline import error_headline
from lineage.runs.facets_of_run import error_of, read_run
from lineage.runs.reasons import reasons_of
from lineage.runs.relations import children_of, parent_of, root_of
from tests.conftest import SAMPLES
from tests.lineage.build import run_event
from tests.lineage.conftest import READER, Sender

# Some hours after the events of the cases, so that what runs is not lost.
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """Job and its latest run, as they are shown."""

    job: Job

    @cached_property
    def run(self) -> Run:
        assert self.job.latest_run_id is not None
        run = Run.objects.get(connection_id=self.job.connection_id, id=self.job.latest_run_id)
        run.job = self.job
        return run

    @cached_property
    def contents(self) -> RunContents:
        return read_run(self.run).contents

    @property
    def states(self) -> list[str]:
        """States of all shown runs of the job, sorted."""
        return sorted(run.shown_state for run in recent_runs(self.job))

    @property
    def state(self) -> str | None:
        """State of the job: of its latest run, or of the instance that decides."""
        return self.job.latest_run_state

    @property
    def is_listed(self) -> bool:
        return not self.job.is_hidden

    @property
    def attempt(self) -> int | None:
        return self.run.attempt

    @property
    def instances(self) -> list[tuple[int | None, str]]:
        """Map index and state of each run."""
        return sorted((run.map_index, run.shown_state) for run in recent_runs(self.job))

    @property
    def failed_children(self) -> list[str]:
        """Jobs of the runs that its page names as failed first."""
        failed = children_of(self.run, READER).in_state("FAILED").select_related("job")
        return [run.job.name for run in failed]

    @property
    def seconds(self) -> float | None:
        duration = run_duration(self.run, now=NOW)
        return duration.total_seconds() if duration else None

    @property
    def headline(self) -> str:
        return error_headline(self.run.error_message or "")

    @property
    def error(self) -> Any:
        """Message and first line of the stack trace, as the run's page shows them."""
        error = error_of(self.run, self.contents)
        return error and (error.message, error.stack_trace.partition("\n")[0])

    @property
    def reasons(self) -> list[str]:
        return [sentence.text for sentence in reasons_of(self.run, self.contents, READER)]

    @property
    def story(self) -> str:
        story = story_of(self.job, None, recent_runs(self.job), READER, now=NOW)
        return " ".join([story.text, *(sentence.text for sentence in story.reasons)])

    @property
    def type(self) -> tuple[str, str, str]:
        return self.job.kind, self.job.integration, self.job.processing_type

    @property
    def described(self) -> tuple[Any, ...]:
        return self.job.description, self.job.owners, self.job.tags

    @property
    def parent(self) -> str | None:
        return _name(parent_of(self.run, READER))

    @property
    def job_parent(self) -> str:
        """Name of the job under which this one is listed."""
        return self.job.parent_job_name

    @property
    def orchestrator_run_id(self) -> str:
        return self.run.orchestrator_run_id

    @property
    def root(self) -> str | None:
        return _name(root_of(self.run, READER))

    @property
    def current(self) -> list[tuple[str, str]]:
        """Current datasets of the job, sorted: (direction, name)."""
        found = datasets_of_job(self.job)
        reads = [(Edge.Direction.READS.value, one.dataset.name) for one in found.reads if one.is_current]
        return reads + [(Edge.Direction.WRITES.value, one.dataset.name) for one in found.writes if one.is_current]

    @property
    def datasets(self) -> int:
        """Number of datasets of the run."""
        return len(self.run.edge_ids)

    @property
    def statistics(self) -> list[tuple[int | None, int | None, int | None]]:
        """Rows, bytes and files of each dataset."""
        return [(one.row_count, one.size, one.file_count) for one in self.contents.statistics.values()]

    @property
    def tests(self) -> list[tuple[str, str]]:
        return [(test.assertion, test.state) for test in self.contents.tests]

    @property
    def problems(self) -> list[str]:
        """Paths of the parts that the run's page lists as problems."""
        return [problem.path for problem in self.contents.problems]


def _name(run: Any) -> str | None:
    """Return the job of a run, or of a placeholder of one."""
    return None if run is None else run.job.name if isinstance(run, Run) else run.job_name


def _too_many_datasets() -> list[bytes]:
    inputs = [{"namespace": "db", "name": f"t{number}"} for number in range(10_001)]
    run = "00000000-0000-0000-0000-000000000056"
    started = run_event("START", "2026-11-30T02:00:00Z", run=run, job="wide")
    return [started, run_event("COMPLETE", "2026-11-30T02:00:09Z", run=run, job="wide", inputs=inputs)]


_MADE: dict[str, Callable[[], list[bytes]]] = {"56": _too_many_datasets}


def events_of(case: str) -> list[bytes]:
    """Read the events of a case, given by its number, in the order in which they were sent."""
    if case in _MADE:
        return _MADE[case]()
    (path,) = (SAMPLES / "field").glob(f"{case}-*.jsonl")
    return path.read_bytes().splitlines()


def refusal(body: bytes) -> str | None:
    """The reason why an event is refused; None: it is stored."""
    try:
        decode_event(body)
    except InvalidEvent as error:
        return str(error)
    return None


def _shuffled(bodies: Sequence[bytes]) -> list[bytes]:
    """Each event once or twice, in an order that differs from case to case, but not from run to run."""
    rng = Random(len(bodies) + len(b"".join(bodies)))
    many = [*bodies, *rng.choices(bodies, k=len(bodies))]
    rng.shuffle(many)
    return many


ORDERS: dict[str, Callable[[Sequence[bytes]], list[bytes]]] = {
    "as sent": list,
    "reversed": lambda bodies: list(reversed(bodies)),
    "shuffled, some twice": _shuffled,
}


def shown_after(sender: Sender, bodies: Sequence[bytes]) -> dict[str, Found]:
    """Send the events one by one, without those that are refused. Returns what is shown, by the name of the job."""
    for body in bodies:
        if refusal(body) is None:
            sender.send(body, now=NOW)
    return {job.name: Found(job) for job in Job.objects.of(sender.connection)}
