"""Fetches from one Airflow: DAG runs and task instances that changed, with all tries."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import islice
from typing import Final, TypeVar

from pull.http.faults import Fault, FaultCode
from pull.sources.airflow.api import AirflowApi, as_text
from pull.sources.airflow.clears import Clears, Start, clears_after, may_have_been_cleared
from pull.sources.airflow.events import DAG_ENDS, LISTED_AS, ParentRun, UnknownState, Writer
from pull.sources.airflow.probe import probe
from pull.sources.airflow.reasons import Reason, reason_in
from pull.sources.airflow.records import DagRun, Task, TaskInstance
from pull.sources.airflow.run_ids import Ids, Recipe, recipe_of
from pull.sources.fetched import Batch, DescribedJob, ListedRun, Window
from pull.sources.fetcher import Opened, Step

_HOUR: Final = timedelta(hours=1)
# A run that is still under way after this time sends an event each hour, so that it is not taken for lost.
_SILENT_FOR: Final = 6 * _HOUR
_STRUCTURE_KEPT: Final = _HOUR
# States of a task instance whose last try is nowhere but in the list of its tries.
_BETWEEN_TRIES: Final = frozenset((None, "none", "scheduled", "queued", "removed", "up_for_retry"))
_MOST_LOGS: Final = 200
_REASONS_KEPT: Final = 5000
# Records of a page that are turned into events together.
_AT_ONCE: Final = 20
_Record = TypeVar("_Record")
_Names = tuple[str, str]


class AirflowFetcher:
    def __init__(self, opened: Opened, api: AirflowApi, namespace: str, recipe: Recipe | None) -> None:
        """`recipe`: None to ask Airflow for it."""
        self._api = api
        self._client = opened.client
        self._find_runs = opened.find_runs
        self._memory = opened.memory
        self._namespace = namespace
        self._recipe = recipe
        # Of this sync, by the names of the DAG and of the run.
        self._runs: dict[_Names, DagRun] = {}
        self._clears: dict[_Names, Clears] = {}
        self._numbers: dict[_Names, int] = {}
        self._logs_read = 0
        self._tasks: dict[_Names, list[TaskInstance]] = {}

    def close(self) -> None:
        self._client.close()

    @cached_property
    def _ids(self) -> Ids:
        if self._recipe is None:
            self._recipe = recipe_of(self._api.provider_version())
        return Ids(self._namespace, self._recipe)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._ids)

    def now(self) -> datetime | None:
        self._api.version()
        return self._client.their_time

    def probe(self) -> Iterator[Step]:
        return probe(self._api)

    def jobs(self) -> Iterator[DescribedJob]:
        for page in self._api.dags():
            yield from filter(None, map(self._writer.described, page))

    def runs(self, window: Window) -> Iterator[Batch]:
        changed = {"updated_at_gte": as_text(window.since)}
        if not window.is_newest:
            # Nothing that changes meanwhile leaves a window without an end.
            changed["updated_at_lte"] = as_text(window.until)
        for runs in self._api.dag_runs(**changed):
            self._note(runs)
            yield from _batches(self._events_of_run, runs)
        for tasks in self._api.task_instances(**changed):
            self._note_runs_of(tasks)
            yield from _batches(self._events_of_task, tasks)
        hour = window.until.replace(minute=0, second=0, microsecond=0)
        if window.is_newest and window.since < hour:
            yield from self._still_running(hour)

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        pages = self._api.dag_runs(start_date_gte=as_text(since), order_by="-start_date")
        for run in islice((run for page in pages for run in page), most):
            state = LISTED_AS.get(run.state or "", "")
            yield ListedRun(run.dag_id, run.dag_run_id, state, run.start_date)

    # --- DAG runs

    def _events_of_run(self, run: DagRun) -> Iterator[bytes]:
        has_ended = run.state in DAG_ENDS and run.end_date is not None
        tasks = self._tasks_of(run) if has_ended else []
        return self._writer.dag_run(run, self._number(run), order=self._structure(run.dag_id), tasks=tasks)

    def _note(self, runs: Iterable[DagRun]) -> None:
        """Remember DAG runs for the tasks that follow, and look up what is stored of them."""
        new = {(run.dag_id, run.dag_run_id): run for run in runs}
        found: dict[_Names, list[Start]] = defaultdict(list)
        for known in self._find_runs({run_id for _, run_id in new}):
            found[known.job_name, known.orchestrator_run_id].append(Start(known.run_id, known.started_at))
        for names, run in new.items():
            self._runs[names] = run
            self._clears[names] = Clears(run, found[names], self._ids)

    def _number(self, run: DagRun) -> int:
        """Tell how often a DAG run was cleared."""
        names = run.dag_id, run.dag_run_id
        if names not in self._numbers:
            known = self._clears[names]
            present = known.present()
            if present is None and self._ids.tells_clears and run.start_date is not None:
                present = max(known.earlier(), self._clears_of_tasks(run))
            self._numbers[names] = present or 0
        return self._numbers[names]

    def _clears_of_tasks(self, run: DagRun) -> int:
        tasks = [task for task in self._tasks_of(run) if may_have_been_cleared(task, self._retries(task))]
        cleared = (self._cleared(task, self._tries_of(task), run) for task in tasks)
        return max((count for of_task in cleared for count in of_task.values()), default=0)

    def _cleared(self, task: TaskInstance, tries: list[TaskInstance], run: DagRun) -> dict[int, int]:
        restarted_at = None if self._api.is_airflow_3 else run.start_date
        return clears_after(tries, self._retries(task), restarted_at=restarted_at)

    def _tasks_of(self, run: DagRun) -> list[TaskInstance]:
        names = run.dag_id, run.dag_run_id
        if names not in self._tasks:
            self._tasks[names] = [task for page in self._api.task_instances(*names) for task in page]
        return self._tasks[names]

    def _structure(self, dag_id: str) -> dict[str, Task]:
        """Return a DAG's tasks by their ids, at most an hour old; none if the DAG is not there any more."""
        kept: dict[str, tuple[datetime | None, dict[str, Task]]] = self._memory.setdefault("structures", {})
        now = self._client.their_time
        read_at, tasks = kept.get(dag_id, (None, {}))
        if read_at is None or now is None or now - read_at > _STRUCTURE_KEPT:
            tasks = {task.task_id: task for task in _if_there(lambda: self._api.tasks(dag_id)) or ()}
            kept[dag_id] = (now, tasks)
        return tasks

    # --- Task instances

    def _note_runs_of(self, tasks: Iterable[TaskInstance]) -> None:
        missing = {(task.dag_id, task.dag_run_id) for task in tasks} - self._runs.keys()
        found = [_if_there(partial(self._api.dag_run, *names)) for names in sorted(missing)]
        self._note(filter(None, found))

    def _events_of_task(self, task: TaskInstance) -> Iterator[bytes]:
        run = self._runs.get((task.dag_id, task.dag_run_id))
        if run is None:  # deleted a moment ago
            return
        tries, retries = self._tries_of(task), self._retries(task)
        cleared = self._cleared(task, tries, run)
        for one in tries:
            parent = self._parent(one, run, cleared[one.try_number])
            why_failed = partial(self._reason, one)
            yield from self._writer.task(one, parent, retries=retries, why_failed=why_failed)

    def _reason(self, task: TaskInstance) -> Reason | None:
        """Read from its log why a try failed, once. So many logs in one sync at most: a storm of failures has one
        reason."""
        kept: dict[tuple[object, ...], Reason | None] = self._memory.setdefault("reasons", {})
        key = task.dag_id, task.dag_run_id, task.task_id, task.map_index, task.try_number
        if key not in kept:
            if self._logs_read >= _MOST_LOGS:
                return None
            self._logs_read += 1
            log = self._api.log(task) if task.pid is not None else None
            kept[key] = reason_in(log) if log else None
            while len(kept) > _REASONS_KEPT:
                kept.pop(next(iter(kept)))
        return kept[key]

    def _tries_of(self, task: TaskInstance) -> list[TaskInstance]:
        """Return all tries of a task instance. One that waits for its next try is itself none."""
        waits = task.state in _BETWEEN_TRIES
        if task.try_number > 1 or (waits and task.start_date is not None):
            tries = _if_there(lambda: self._api.tries(task)) or []
            return tries if waits else [*(one for one in tries if one.try_number != task.try_number), task]
        return [task]

    def _parent(self, task: TaskInstance, run: DagRun, cleared_since: int = 0) -> ParentRun:
        """Find the run id of the DAG run to which a try belongs. `cleared_since`: how often the task was cleared
        after it."""
        present = self._number(run)
        then = self._clears[run.dag_id, run.dag_run_id].at(task.start_date or task.end_date, present)
        number = min(then, max(present - cleared_since, 0))
        return ParentRun(run, self._ids.of_dag_run(run, number))

    def _retries(self, task: TaskInstance) -> int:
        described = self._structure(task.dag_id).get(task.task_id)
        return int(described.retries) if described else task.max_tries

    # --- What runs for long

    def _still_running(self, hour: datetime) -> Iterator[Batch]:
        before = as_text(hour - _SILENT_FOR)
        for runs in self._api.dag_runs(state="running", start_date_lte=before):
            self._note(runs)
            yield from _batches(partial(self._run_still_running, hour=hour), runs)
        for tasks in self._api.task_instances(state=self._api.running_states, start_date_lte=before):
            self._note_runs_of(tasks)
            yield from _batches(partial(self._task_still_running, hour=hour), tasks)

    def _run_still_running(self, run: DagRun, *, hour: datetime) -> Iterator[bytes]:
        yield self._writer.dag_still_running(run, self._number(run), at=hour)

    def _task_still_running(self, task: TaskInstance, *, hour: datetime) -> Iterator[bytes]:
        run = self._runs.get((task.dag_id, task.dag_run_id))
        if run is not None:
            yield self._writer.still_running(task, self._parent(task, run), retries=self._retries(task), at=hour)


def _batches(events_of: Callable[[_Record], Iterable[bytes]], records: Sequence[_Record]) -> Iterator[Batch]:
    """Turn records into events, few at a time, because each may need further calls."""
    for start in range(0, len(records), _AT_ONCE):
        bodies: list[bytes] = []
        problems: Counter[str] = Counter()
        for record in records[start : start + _AT_ONCE]:
            try:
                bodies += events_of(record)
            except UnknownState as error:
                problems[f"Unknown state {error}"] += 1
            except ValueError as error:
                problems[str(error)] += 1
        yield Batch(bodies, problems)


_Found = TypeVar("_Found")


def _if_there(ask: Callable[[], _Found]) -> _Found | None:
    """Ask for one thing, which may have been deleted meanwhile: None then."""
    try:
        return ask()
    except Fault as fault:
        if fault.code != FaultCode.NOT_FOUND:
            raise
        return None
