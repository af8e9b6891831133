"""A table of runs, newest first: of all connections, or of one job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Prefetch
from django.utils import timezone

from connections.models import Connection
from connections.querysets import Reader
from lineage.database import filters
from lineage.database.keyset import NEWEST_RUN_OF_ALL_FIRST
from lineage.jobs.statistics import usual_durations
from lineage.models import Job, Run, RunState
from lineage.runs.durations import run_duration
from lineage.runs.error_headline import error_headline
from lineage.runs.filters import RunOfAnyConnectionFilter
from web.components.density import DENSITY
from web.components.lists import Choices, Listing, Option, Places, keyset_page, keyset_places, option, options
from web.components.pace import Pace
from web.components.values import place_in

if TYPE_CHECKING:
    from lineage.models.run_queryset import RunQuerySet

ROWS_PER_PAGE = 50
MOST_COUNTED = 1000
_WENT_WRONG = (RunState.FAILED, RunState.RETRIED, RunState.ABORTED)
KINDS: dict[str, str] = dict(Job.Kind.choices)
HOURS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}
RANGES = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
# By seconds.
DURATIONS = {
    "10": "10 s or longer",
    "60": "1 min or longer",
    "600": "10 min or longer",
    "3600": "1 h or longer",
    "21600": "6 h or longer",
    "86400": "1 day or longer",
}


def _took_place_in(runs: RunQuerySet, range_: str) -> RunQuerySet:
    return runs.took_place_since(timezone.now() - timedelta(hours=HOURS[range_]))


def _lasting_at_least(runs: RunQuerySet, seconds: str) -> RunQuerySet:
    return runs.lasting_at_least(timedelta(seconds=int(seconds)), now=timezone.now())


class RunTableFilter(RunOfAnyConnectionFilter):
    """The table counts the runs in each state, so it filters by state itself."""

    state = filters.choice(RunState.choices, method=filters.unfiltered)
    range = filters.choice(RANGES.items(), method=filters.by(_took_place_in))
    min_duration = filters.choice(DURATIONS.items(), method=filters.by(_lasting_at_least))


_OF_JOB = {
    "orchestrator_run_id": "orchestrator_run_id",
    "range": "range",
    "from": "started_after",
    "to": "started_before",
    "min": "min_duration",
}
_KEPT = {"cursor": place_in(NEWEST_RUN_OF_ALL_FIRST), **DENSITY}
RUNS_OF_JOB = Listing(RunTableFilter, {"state": "state", **_OF_JOB}, kept=_KEPT, place="cursor")
RUNS = Listing(
    RunTableFilter,
    {"state": "state", "connection": "connection_id", "kind": "kind", "q": "search", **_OF_JOB},
    kept=_KEPT,
    place="cursor",
)


@dataclass(frozen=True, slots=True)
class RunRow:
    run: Run
    connection: Connection
    pace: Pace
    # The orchestrator's name for it, or for the run that it is a part of: a task's DAG run. Empty: unknown.
    orchestrator_run_id: str = ""
    # True: in a list of the runs of one job.
    is_of_job: bool = False

    @property
    def id(self) -> str:
        """Unique on the page: two connections may hold runs with one id."""
        return f"{self.run.connection_id}-{self.run.id}"

    @property
    def kind(self) -> str:
        return KINDS.get(self.run.job.kind, self.run.job.kind)

    @property
    def where(self) -> str:
        """Kind of its job, connection, and the orchestrator's name of the run: `Task · Shop production · nightly-7`."""
        if self.is_of_job:
            return ""
        return " · ".join(filter(None, (self.kind, self.connection.name, self.orchestrator_run_id)))

    @property
    def name(self) -> str:
        """The job's name; in a list of one job the run's own."""
        return (self.orchestrator_run_id or str(self.run.run_id)) if self.is_of_job else self.run.job.name

    @property
    def reason(self) -> str:
        """Error, or how slow it is; empty without either."""
        return self.error_headline or self.pace.reason

    @property
    def is_lost(self) -> bool:
        return self.run.shown_state == RunState.LOST

    @property
    def error_headline(self) -> str:
        return error_headline(self.run.error_message or "") if self.run.shown_state in _WENT_WRONG else ""


@dataclass(frozen=True, slots=True)
class RunTable:
    """`job`: whose runs; None: those of all connections that can be seen."""

    choices: Choices
    rows: list[RunRow]
    states: list[Option]
    connections: list[Option]
    kinds: list[Option]
    ranges: list[Option]
    durations: list[Option]
    places: Places
    job: Job | None

    @property
    def is_used(self) -> bool:
        """False before the first run: then there is nothing to filter."""
        return bool(self.rows or self.choices.are_narrowing or self.choices["cursor"] or self.choices.errors)

    @property
    def any_name_query(self) -> str:
        """The URL's query without the orchestrator's id."""
        return self.choices.query(orchestrator_run_id="")


def read_run_table(
    choices: Choices,
    reader: Reader,
    *,
    now: datetime,
    job: Job | None = None,
    counted: bool = True,
    medians: Mapping[UUID, timedelta] | None = None,
) -> RunTable:
    """Read one page of the runs of all connections, or of `job`, which has its `connection`. `counted`: with the runs
    in each state. `medians`: usual durations of jobs, if the caller has them."""
    connections = {job.connection_id: job.connection} if job else _connections(reader)
    runs: RunQuerySet = choices.filter(_runs_of(job) if job else _runs_of_all(connections, choices["connection"]))
    in_state = runs.in_state(choices["state"]) if choices["state"] else runs
    listed = in_state.none() if choices.errors else in_state.for_list()
    if not job:
        # A join would make PostgreSQL expect too few runs, and sort all of them instead of following the index.
        jobs = Job.objects.for_list().filter(connection_id__in=connections)
        listed = listed.prefetch_related(Prefetch("job", jobs))
    page = keyset_page(NEWEST_RUN_OF_ALL_FIRST, listed, choices, ROWS_PER_PAGE)
    for run in page.rows if job else ():
        run.job = job
    return RunTable(
        choices=choices,
        rows=_rows(page.rows, connections, job, medians, now),
        states=_states(choices, runs, job) if counted else [],
        connections=[] if job else options(choices, "connection", {str(id_): c.name for id_, c in connections.items()}),
        kinds=[] if job else options(choices, "kind", KINDS),
        ranges=options(choices, "range", RANGES),
        durations=options(choices, "min", DURATIONS),
        places=keyset_places(choices, page),
        job=job,
    )


def _connections(reader: Reader) -> dict[UUID, Connection]:
    visible = Connection.objects.visible(reader).only("name", "type").order_by("name")
    return {connection.pk: connection for connection in visible}


def _runs_of(job: Job) -> RunQuerySet:
    return Run.objects.shown().filter(connection_id=job.connection_id, job_id=job.id)


def _runs_of_all(connections: Iterable[UUID], chosen: str) -> RunQuerySet:
    """Runs of the connections. None, and no query, if the chosen connection is not among them."""
    return Run.objects.shown().filter(connection_id__in=[id_ for id_ in connections if chosen in ("", str(id_))])


def _rows(
    runs: Sequence[Run],
    connections: Mapping[UUID, Connection],
    job: Job | None,
    medians: Mapping[UUID, timedelta] | None,
    now: datetime,
) -> list[RunRow]:
    names = _names_of_parents(job, runs) if job else {}
    if medians is None:
        medians = usual_durations((run.connection_id, run.job_id) for run in runs)
    return [
        RunRow(
            run,
            connections[run.connection_id],
            Pace(run_duration(run, now=now), medians.get(run.job_id), run.shown_state == RunState.RUNNING),
            run.orchestrator_run_id or names.get(run.parent_run_id, ""),
            job is not None,
        )
        for run in runs
        # Removed between two queries.
        if run.connection_id in connections
    ]


def _names_of_parents(job: Job, rows: Sequence[Run]) -> dict[UUID | None, str]:
    """Run id → the orchestrator's name, of the runs that those of the job are parts of."""
    parents = {run.parent_run_id for run in rows if run.parent_run_id and not run.orchestrator_run_id}
    runs = Run.objects.filter(connection_id=job.connection_id, run_id__in=parents)
    return dict(runs.exclude(orchestrator_run_id="").values_list("run_id", "orchestrator_run_id"))


def _states(choices: Choices, runs: RunQuerySet, job: Job | None) -> list[Option]:
    """Options for all runs and for each state that occurs or was chosen, with a count each. Without any count, and for
    all states, where no index counts: by name and by duration most runs would have to be read."""
    is_counted = not (choices["min"] or (not job and choices.any_of("kind", "q")))
    counts = (_counts_of_job(runs) if job else _counts(runs)) if is_counted else {}
    return [
        option(choices, "state", state, title, counts.get(state, ""))
        for state, title in (("", "All"), *RunState.choices)
        if not state or counts.get(state) != "0" or state == choices["state"]
    ]


def _counts(runs: RunQuerySet) -> dict[str, str]:
    """State → how many runs, or more than MOST_COUNTED; the empty state: all of them."""
    counts = {state: runs.in_state(state).count_up_to(MOST_COUNTED) for state in RunState.values}
    is_cut = any(count > MOST_COUNTED for count in counts.values())
    found = {state: f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}" for state, count in counts.items()}
    return found | {"": f"{sum(min(count, MOST_COUNTED) for count in counts.values()):,}{'+' if is_cut else ''}"}


def _counts_of_job(runs: RunQuerySet) -> dict[str, str]:
    """State → how many of the job's runs; nothing for a job with more than are counted: no index counts them."""
    latest = runs.order_by("-run_at", "-id").values_list("shown_state", flat=True)[: MOST_COUNTED + 1]
    states = Counter(latest)
    if states.total() > MOST_COUNTED:
        return {}
    return {state: f"{states[state]:,}" for state in RunState.values} | {"": f"{states.total():,}"}
