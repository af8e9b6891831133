"""Rules for the shown state of a run: pure functions of a run and of the runs that its state depends on.

docs/run-states.md explains them. No database, clock or HTTP is used here: rows come in, a `Shown` goes out, so the
result does not depend on the order in which rows arrived.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from lineage.events.event import UNRESOLVED
from lineage.runs.finished_ancestor import FinishedAncestor

# States that are replaced by a later try, or by the parent run's report.
_OPEN_OR_FAILED: Final = frozenset({"FAILED", "RUNNING", "UNKNOWN"})
# If the parent run reports one of these, and the task completed before, the task was not cleared.
_SUCCEEDED_OR_SKIPPED: Final = frozenset({"COMPLETED", "SKIPPED"})
# Terminal types of tests whose outcome other runs of the invocation decide: see docs/decisions/0016.
UNRESOLVED_TYPES: Final = frozenset(UNRESOLVED)
# Events of a child may arrive after its parent's last event, because different processes send them.
GRACE: Final = timedelta(minutes=10)
# A run that sends nothing for this time is lost, unless its job usually takes longer.
PATIENCE: Final = timedelta(hours=24)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
# A run may be silent for this multiple of the 95th percentile of its job's durations.
TIMES_P95: Final = 4


class FamilyRun(NamedTuple):
    """Columns of lineage_run that the rules read, from the run's own events. `id`: of the row; `run_id`: the
    sender's."""

    connection_id: UUID
    id: UUID
    run_id: UUID
    job_id: UUID
    state: str
    terminal_type: str | None
    state_from_parent: str | None
    duration_from_parent_ms: int | None
    parent_run_id: UUID | None
    attempt: int | None
    map_index: int | None
    run_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    last_event_at: datetime
    silent_since: datetime
    invocation_id: UUID | None
    needed_job_ids: Sequence[UUID] | None
    node_id: UUID | None
    test_ids: Sequence[UUID] | None
    earlier_parent_run_ids: Sequence[UUID] | None
    # False: the time of its end, or of the parent run's report, cannot be true.
    end_is_believed: bool = True
    report_is_believed: bool = True

    @property
    def is_unresolved_test(self) -> bool:
        """Tell whether other runs of the invocation decide the state of this test."""
        return self.needed_job_ids is not None and self.terminal_type in UNRESOLVED_TYPES and self.node_id is None


class Shown(NamedTuple):
    """Shown values of a run. `lost_after`: None if it is not running, or may run for ever.

    `joined_in`: id of the row that shows the run instead, joined with the rows of its other names. `shares_run_id`:
    another shown run has this run id.
    """

    state: str
    ended_at: datetime | None
    is_hidden: bool
    lost_after: datetime | None = None
    joined_in: UUID | None = None
    shares_run_id: bool = False


class Family:
    """Runs of one connection, indexed by what their states depend on.

    It may hold several families, and runs that are needed only because others depend on them. Building it takes time
    linear in the runs, and so does each method: a mapped task may have thousands of instances.
    """

    def __init__(self, runs: Iterable[FamilyRun]) -> None:
        # (parent run, job) → the parent run's report on the task, and what the task sent itself.
        self._reports: dict[tuple[UUID, UUID], FamilyRun] = {}
        self._tasks: dict[tuple[UUID, UUID], _Task] = defaultdict(_Task)
        self._nodes: dict[tuple[UUID, UUID], list[FamilyRun]] = defaultdict(list)
        self._of_invocation: dict[UUID, list[FamilyRun]] = defaultdict(list)
        self._invocations: dict[UUID, _Invocation] = {}
        for run in runs:
            if run.parent_run_id is not None:
                self._add_task(run, (run.parent_run_id, run.job_id))
            if run.invocation_id is not None:
                self._nodes[run.invocation_id, run.job_id].append(run)
                self._of_invocation[run.invocation_id].append(run)

    def report_on(self, run: FamilyRun) -> FamilyRun | None:
        """Return the row with the parent run's report on the run's task, if there is one."""
        return None if run.parent_run_id is None else self._reports.get((run.parent_run_id, run.job_id))

    def has_events(self, parent_run_id: UUID | None, job_id: UUID) -> bool:
        """Tell whether the task sent any event itself."""
        return parent_run_id is not None and (parent_run_id, job_id) in self._tasks

    def has_completed(self, parent_run_id: UUID, job_id: UUID) -> bool:
        """Tell whether an event of the task itself says that it completed."""
        task = self._tasks.get((parent_run_id, job_id))
        return task is not None and task.has_completed

    def is_tried_again(self, run: FamilyRun) -> bool:
        """Tell whether the task, or this instance of a mapped task, has a later try."""
        if run.attempt is None or run.parent_run_id is None:
            return False
        task = self._tasks.get((run.parent_run_id, run.job_id))
        return task is not None and task.last_attempts.get(run.map_index, run.attempt) > run.attempt

    def sent_again(self, run: FamilyRun) -> Sequence[FamilyRun]:
        """Return the runs of this run's job in this run's invocation, itself included."""
        return () if run.invocation_id is None else self._nodes.get((run.invocation_id, run.job_id), ())

    def invocation(self, id_: UUID) -> "_Invocation":
        if id_ not in self._invocations:
            self._invocations[id_] = _Invocation(self._of_invocation.get(id_, ()))
        return self._invocations[id_]

    def _add_task(self, run: FamilyRun, key: tuple[UUID, UUID]) -> None:
        if run.state_from_parent is not None:
            self._reports[key] = run
            return
        task = self._tasks[key]
        task.has_completed |= run.state == "COMPLETED"
        if run.attempt is not None:
            task.last_attempts[run.map_index] = max(run.attempt, task.last_attempts.get(run.map_index, run.attempt))


@dataclass(slots=True)
class _Task:
    """Summary of the runs of one job in one parent run."""

    has_completed: bool = False
    # Map index (None: not mapped) → number of the last try.
    last_attempts: dict[int | None, int] = field(default_factory=dict)


class _Invocation:
    """Summary of the runs of one invocation, computed once for all of them."""

    def __init__(self, runs: Sequence[FamilyRun]) -> None:
        self.node_ids = {run.node_id for run in runs if run.node_id is not None}
        self.failed_ids = {run.id for run in runs if run.state == "FAILED"}
        self.completed_jobs = {run.job_id for run in runs if run.state == "COMPLETED"}
        # Jobs, and tables of models, that failed or whose tests were skipped.
        self.missed: set[UUID] = set()
        for run in runs:
            needed = run.needed_job_ids or ()
            if run.terminal_type == "FAIL":
                self.missed.update((run.job_id, *needed))
            elif run.terminal_type == "NO_RESULT" and self.completed_jobs.isdisjoint(needed):
                self.missed.update(needed)
        # Tests that are queries and could not be run, although no model that they read failed or was skipped.
        self.broken_tests = {
            run.job_id
            for run in runs
            if run.terminal_type == "LONE_NO_RESULT" and self.missed.isdisjoint(run.needed_job_ids or ())
        }


def shown(run: FamilyRun, family: Family) -> Shown:
    """Compute the shown values of a run without regard to the time: a run that may be lost is RUNNING here."""
    return Shown(shown_state(run, family), shown_end(run, family), is_hidden(run, family))


def shown_state(run: FamilyRun, family: Family) -> str:
    """Compute the state from the run's own events, later tries of the task, and the parent run's report.

    The parent run reports one state for all instances of a mapped task, so it is not used for a single instance.
    """
    if run.is_unresolved_test and run.invocation_id is not None:
        return _resolve_test(run, family.invocation(run.invocation_id))
    if run.parent_run_id is None or run.state_from_parent is not None:
        return run.state
    if family.is_tried_again(run):
        return "RETRIED" if run.state in _OPEN_OR_FAILED else run.state
    if run.map_index is None and (reported := _state_from_parent(run, family)):
        return reported
    return run.state


def shown_end(run: FamilyRun, family: Family) -> datetime | None:
    """Return the end of the run: from its own event, else its start plus the duration that the parent run reports.

    The second is for tasks that sent no end because their worker was killed. None for a try that another one followed.
    """
    if run.ended_at is not None or run.started_at is None or run.map_index is not None or family.is_tried_again(run):
        return run.ended_at
    report = family.report_on(run)
    if report is None or report.duration_from_parent_ms is None:
        return None
    return _later(run.started_at, timedelta(milliseconds=report.duration_from_parent_ms))


def is_hidden(run: FamilyRun, family: Family) -> bool:
    """Tell whether another run is shown instead: docs/decisions/0015, 0017 and 0018."""
    if run.state_from_parent is not None:
        return family.has_events(run.parent_run_id, run.job_id) or _completed_before(run, family)
    if run.invocation_id is None:
        return False
    if any(_by_end(other) < _by_end(run) for other in family.sent_again(run)):
        return True
    return _is_sent_one_by_one(run, family)


def lost_after(run: FamilyRun, *, patience: timedelta | None, ended: FinishedAncestor | None) -> datetime | None:
    """Return the time at which a RUNNING run becomes lost. None: never.

    `patience`: how long a run of its job may be silent; None: for ever. `ended`: a finished ancestor, if there is one.
    """
    if patience is None:
        return None
    at = _later(run.silent_since, patience)
    return at if ended is None else min(at, _later(ended.finished_at, GRACE))


def patience_of_job(*, is_endless: bool, p95: timedelta | None) -> timedelta | None:
    """Return how long a run of a job may be silent. `p95`: of its latest durations; None: none was long."""
    if is_endless:
        return None
    return PATIENCE if p95 is None else max(PATIENCE, TIMES_P95 * p95)


def _later(at: datetime, by: timedelta) -> datetime:
    """Add a duration. Some senders' clocks show the year 9999, and Python's datetime ends there."""
    try:
        return at + by
    except OverflowError:
        return LAST_MOMENT


def _state_from_parent(run: FamilyRun, family: Family) -> str | None:
    """Return the parent run's report on the task, if it replaces the run's own state.

    A task that skips itself sends that it completed, and only the parent run reports it as skipped. If the run ended
    after the parent run's report, its own state counts; so too if only one of these times is believed.
    """
    report = family.report_on(run)
    if report is None or (run.ended_at is not None and _may_end_after(run, run.ended_at, report)):
        return None
    return report.state_from_parent if run.state in _OPEN_OR_FAILED or report.state_from_parent == "SKIPPED" else None


def _may_end_after(run: FamilyRun, ended_at: datetime, report: FamilyRun) -> bool:
    return ended_at > report.last_event_at or run.end_is_believed != report.report_is_believed


def _completed_before(run: FamilyRun, family: Family) -> bool:
    """Tell whether the task completed before its DAG run was cleared, and was not cleared itself."""
    return run.state_from_parent in _SUCCEEDED_OR_SKIPPED and any(
        family.has_completed(parent_run_id, run.job_id) for parent_run_id in run.earlier_parent_run_ids or ()
    )


def _by_end(run: FamilyRun) -> tuple[bool, datetime, UUID]:
    """Sort key of the runs of one node that a sender sent several times: the first one is shown."""
    return run.ended_at is None, run.run_at, run.id


def _is_sent_one_by_one(run: FamilyRun, family: Family) -> bool:
    """Tell whether each test with a result in this run has a run of its own in the invocation."""
    if run.test_ids is None or run.node_id is not None or run.invocation_id is None:
        return False
    node_ids = family.invocation(run.invocation_id).node_ids
    if not node_ids or not node_ids.issuperset(run.test_ids):
        return False
    return all(other.test_ids is not None for other in family.sent_again(run))


def _resolve_test(run: FamilyRun, invocation: _Invocation) -> str:
    """Return the state of a test without a result: skipped if a job that it needs failed or was skipped, else
    failed."""
    needed = run.needed_job_ids or ()
    if run.terminal_type == "NO_RESULT":
        return "SKIPPED" if invocation.completed_jobs.isdisjoint(needed) else "FAILED"
    if run.terminal_type == "LONE_NO_RESULT":
        return "FAILED" if invocation.missed.isdisjoint(needed) else "SKIPPED"
    if not invocation.broken_tests.isdisjoint(needed):
        return "FAILED"
    something_else_failed = len(invocation.failed_ids) > (run.id in invocation.failed_ids)
    return "COMPLETED" if run.terminal_type == "GENERIC_RESULTS" or something_else_failed else "FAILED"
