"""What a run is shown as: pure functions of a run and of the runs that its state depends on.

docs/run-states.md says the same in words. Nothing here knows the database, the clock or HTTP: rows come in, a `Shown`
goes out, so any order in which the rows came gives the same result.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from lineage.events.event import UNRESOLVED
from lineage.runs.ended_above import Ended

# States that a later try, or the word of the parent run, replaces.
_OPEN_OR_FAILED: Final = frozenset({"FAILED", "RUNNING", "UNKNOWN"})
# A task that the parent run reports in one of these was not cleared if it had completed before.
_WENT_WELL: Final = frozenset({"COMPLETED", "SKIPPED"})
# Terminal types of tests whose outcome other runs of the invocation decide: see docs/decisions/0016.
UNRESOLVED_TYPES: Final = frozenset(UNRESOLVED)
# Events of a child may arrive after its parent's last one: they come from different processes.
GRACE: Final = timedelta(minutes=10)
# A run that sent nothing for so long is lost, unless its job usually takes longer.
PATIENCE: Final = timedelta(hours=24)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
# How many times as long as its job's 95th percentile a run is waited for.
TIMES_P95: Final = 4


class FamilyRun(NamedTuple):
    """The columns of lineage_run that the rules read: what the run's own events say."""

    connection_id: UUID
    id: UUID
    job_id: UUID
    state: str
    terminal_type: str | None
    told_state: str | None
    told_duration_ms: int | None
    parent_run_id: UUID | None
    attempt: int | None
    map_index: int | None
    run_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    last_event_at: datetime
    invocation_id: UUID | None
    needed_job_ids: Sequence[UUID] | None
    node_id: UUID | None
    test_ids: Sequence[UUID] | None
    earlier_parent_run_ids: Sequence[UUID] | None

    @property
    def is_unresolved_test(self) -> bool:
        """Whether other runs of the invocation decide what became of it."""
        return self.needed_job_ids is not None and self.terminal_type in UNRESOLVED_TYPES and self.node_id is None


class Shown(NamedTuple):
    """What lists and pages show of a run. `lost_after`: None if it is not running, or need never end."""

    state: str
    ended_at: datetime | None
    is_hidden: bool
    lost_after: datetime | None = None


class Family:
    """Runs of one connection, indexed by what their states depend on.

    It may hold several families, and runs that are there only because others depend on them. Building it, and each
    question to it, is linear in the runs: a mapped task may have thousands of instances.
    """

    def __init__(self, runs: Iterable[FamilyRun]) -> None:
        # By parent run and job: what the parent run reports of the task, and what the task sent itself.
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
        """The row that says what the parent run reports of the run's task, if it reports anything."""
        return None if run.parent_run_id is None else self._reports.get((run.parent_run_id, run.job_id))

    def has_events(self, parent_run_id: UUID | None, job_id: UUID) -> bool:
        """Whether the task sent anything itself."""
        return parent_run_id is not None and (parent_run_id, job_id) in self._tasks

    def has_completed(self, parent_run_id: UUID, job_id: UUID) -> bool:
        """Whether the task itself said that it completed."""
        task = self._tasks.get((parent_run_id, job_id))
        return task is not None and task.has_completed

    def is_tried_again(self, run: FamilyRun) -> bool:
        """Whether there is a later try of the same task, or of the same instance of a mapped one."""
        if run.attempt is None or run.parent_run_id is None:
            return False
        task = self._tasks.get((run.parent_run_id, run.job_id))
        return task is not None and task.last_attempts.get(run.map_index, run.attempt) > run.attempt

    def sent_again(self, run: FamilyRun) -> Sequence[FamilyRun]:
        """Runs of the same job in the same invocation, itself included."""
        return () if run.invocation_id is None else self._nodes.get((run.invocation_id, run.job_id), ())

    def invocation(self, id_: UUID) -> "_Invocation":
        if id_ not in self._invocations:
            self._invocations[id_] = _Invocation(self._of_invocation.get(id_, ()))
        return self._invocations[id_]

    def _add_task(self, run: FamilyRun, key: tuple[UUID, UUID]) -> None:
        if run.told_state is not None:
            self._reports[key] = run
            return
        task = self._tasks[key]
        task.has_completed |= run.state == "COMPLETED"
        if run.attempt is not None:
            task.last_attempts[run.map_index] = max(run.attempt, task.last_attempts.get(run.map_index, run.attempt))


@dataclass(slots=True)
class _Task:
    """What the runs of one job in one parent run say together."""

    has_completed: bool = False
    # By map index; None: it is not mapped.
    last_attempts: dict[int | None, int] = field(default_factory=dict)


class _Invocation:
    """What the runs of one invocation say together, found once for all of them."""

    def __init__(self, runs: Sequence[FamilyRun]) -> None:
        self.node_ids = {run.node_id for run in runs if run.node_id is not None}
        self.failed_ids = {run.id for run in runs if run.state == "FAILED"}
        self.completed_jobs = {run.job_id for run in runs if run.state == "COMPLETED"}
        # Jobs, and tables that stand for models, that failed or whose tests were skipped.
        self.missed: set[UUID] = set()
        for run in runs:
            needed = run.needed_job_ids or ()
            if run.terminal_type == "FAIL":
                self.missed.update((run.job_id, *needed))
            elif run.terminal_type == "NO_RESULT" and self.completed_jobs.isdisjoint(needed):
                self.missed.update(needed)
        # Tests that are queries and could not be run, though no model that they read failed or was skipped.
        self.broken_tests = {
            run.job_id
            for run in runs
            if run.terminal_type == "LONE_NO_RESULT" and self.missed.isdisjoint(run.needed_job_ids or ())
        }


def shown(run: FamilyRun, family: Family) -> Shown:
    """What the run is shown as, but for the time: a run that may be lost is RUNNING here."""
    return Shown(shown_state(run, family), shown_end(run, family), is_hidden(run, family))


def shown_state(run: FamilyRun, family: Family) -> str:
    """The state by the run's own events, by later tries of the same task, and by the word of the parent run.

    The parent run reports one state for all instances of a mapped task, which tells nothing of any one of them.
    """
    if run.is_unresolved_test and run.invocation_id is not None:
        return _resolve_test(run, family.invocation(run.invocation_id))
    if run.parent_run_id is None or run.told_state is not None:
        return run.state
    if family.is_tried_again(run):
        return "RETRIED" if run.state in _OPEN_OR_FAILED else run.state
    if run.map_index is None and (reported := _state_from_parent(run, family)):
        return reported
    return run.state


def shown_end(run: FamilyRun, family: Family) -> datetime | None:
    """When the run ended: by its own event; else its start and the duration that its parent run reports.

    The latter is for tasks whose worker was killed, and sent no end. None for a try that another one followed.
    """
    if run.ended_at is not None or run.started_at is None or run.map_index is not None or family.is_tried_again(run):
        return run.ended_at
    report = family.report_on(run)
    if report is None or report.told_duration_ms is None:
        return None
    return _later(run.started_at, timedelta(milliseconds=report.told_duration_ms))


def is_hidden(run: FamilyRun, family: Family) -> bool:
    """Whether another run is shown in its place: docs/decisions/0015, 0017 and 0018."""
    if run.told_state is not None:
        return family.has_events(run.parent_run_id, run.job_id) or _completed_before(run, family)
    if run.invocation_id is None:
        return False
    if any(_by_end(other) < _by_end(run) for other in family.sent_again(run)):
        return True
    return _is_sent_one_by_one(run, family)


def lost_after(run: FamilyRun, *, patience: timedelta | None, ended: Ended | None) -> datetime | None:
    """The moment from which a run that is RUNNING counts as lost. None: never.

    `patience`: for how long a run of its job is waited for after its last event; None: its job need never end.
    `ended`: what ended above it, if anything did.
    """
    if patience is None:
        return None
    at = _later(run.last_event_at, patience)
    return at if ended is None else min(at, _later(ended.over_at, GRACE))


def patience_of_job(*, is_endless: bool, p95: timedelta | None) -> timedelta | None:
    """How long a run of a job is waited for. `p95`: of its latest durations; None: none took long."""
    if is_endless:
        return None
    return PATIENCE if p95 is None else max(PATIENCE, TIMES_P95 * p95)


def _later(at: datetime, by: timedelta) -> datetime:
    """Some senders' clocks show the year 9999, and there is none after that."""
    try:
        return at + by
    except OverflowError:
        return LAST_MOMENT


def _state_from_parent(run: FamilyRun, family: Family) -> str | None:
    """What the parent run reports of the task, if it replaces the run's own state.

    A task that skips itself reports that it completed, and the parent run alone calls it skipped. A run that ended
    after the parent run reported stands as it is.
    """
    report = family.report_on(run)
    if report is None or (run.ended_at is not None and run.ended_at > report.last_event_at):
        return None
    return report.told_state if run.state in _OPEN_OR_FAILED or report.told_state == "SKIPPED" else None


def _completed_before(run: FamilyRun, family: Family) -> bool:
    """Whether the task had completed before its DAG run was cleared, and was not cleared itself."""
    return run.told_state in _WENT_WELL and any(
        family.has_completed(parent_run_id, run.job_id) for parent_run_id in run.earlier_parent_run_ids or ()
    )


def _by_end(run: FamilyRun) -> tuple[bool, datetime, UUID]:
    """Orders the runs of one node that a sender sent several times: the first one is shown."""
    return run.ended_at is None, run.run_at, run.id


def _is_sent_one_by_one(run: FamilyRun, family: Family) -> bool:
    """Whether each test with a result that this run stands for has a run of its own in the invocation."""
    if run.test_ids is None or run.node_id is not None or run.invocation_id is None:
        return False
    node_ids = family.invocation(run.invocation_id).node_ids
    if not node_ids or not node_ids.issuperset(run.test_ids):
        return False
    return all(other.test_ids is not None for other in family.sent_again(run))


def _resolve_test(run: FamilyRun, invocation: _Invocation) -> str:
    """What became of a test without a result: skipped if what it needs failed or was skipped; else it broke."""
    needed = run.needed_job_ids or ()
    if run.terminal_type == "NO_RESULT":
        return "SKIPPED" if invocation.completed_jobs.isdisjoint(needed) else "FAILED"
    if run.terminal_type == "LONE_NO_RESULT":
        return "FAILED" if invocation.missed.isdisjoint(needed) else "SKIPPED"
    if not invocation.broken_tests.isdisjoint(needed):
        return "FAILED"
    something_else_failed = len(invocation.failed_ids) > (run.id in invocation.failed_ids)
    return "COMPLETED" if run.terminal_type == "GENERIC_RESULTS" or something_else_failed else "FAILED"
