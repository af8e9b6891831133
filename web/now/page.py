"""The page Now: what is wrong at this moment, over all connections that the reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import Connection
from connections.querysets import Reader
from lineage.events.clocks import MOST_AHEAD
from lineage.jobs.statistics import RECENT_RUNS
from lineage.now.histories import Recovery
from lineage.now.now import DAY, Beside, Now, RunningRun, read_beside, read_now
from lineage.now.problems import Cause, ProblemKind
from lineage.now.reading import RecoveredJob
from lineage.now.senders import ConnectionProblem
from lineage.runs.pace import SLOW_TIMES
from lineage.runs.times import local
from web.components.charts.half_hours import HalfHourChart, half_hour_chart
from web.components.lists import Choices, Option, Places, numbered_places, option, options, refuse_wrong_values
from web.components.rendering import asks_for, read_permissions, render_page, render_part
from web.now.choices import NOW, TITLES
from web.now.rows import ProblemRow, Rows, minutes_of

ROWS_PER_PAGE: Final = 25
_LISTED: Final = 5
Problem = Cause | ConnectionProblem


@dataclass(frozen=True, slots=True)
class RunningRow:
    """Running run. `percent`: of its median, 100 at most; None without a median."""

    running: RunningRun
    connection: Connection
    words: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class RecoveredRow:
    job: RecoveredJob
    recovery: Recovery
    connection: Connection


@dataclass(frozen=True, slots=True)
class NowPage:
    """`total`: problems without regard to the choices. `charts`: for wide windows and for narrow ones."""

    choices: Choices
    total: int
    connections: int
    troubled: int
    kinds: list[Option]
    owners: list[Option]
    page: Page[Problem]
    rows: list[ProblemRow]
    places: Places
    charts: list[tuple[str, HalfHourChart]]
    failed: int
    lost: int
    recovered: list[RecoveredRow]
    recovered_jobs: int
    running: list[RunningRow]
    running_runs: int

    @property
    def rule_of_slow(self) -> str:
        return f"Slow: running for {SLOW_TIMES} times the median of the job's last {RECENT_RUNS} runs, or longer."


@require_safe
@login_required
def now_page(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    if asks_for(request, "now-count"):
        return render_part(request, "now/_count.html", {"problems": read_now(request.user, now=now).problems})
    choices = NOW.read(request)
    page = read_now_page(choices, request.user, now=now)
    if not page.connections:
        # The first use shows whether the reader may add a connection.
        read_permissions(request)
    context = {"page": page, "problems": page.total, "now": now, "on_now": True}
    return refuse_wrong_values(render_page(request, "now/now.html", context, region="now"), choices)


def read_now_page(choices: Choices, reader: Reader, *, now: datetime) -> NowPage:
    found = read_now(reader, now=now)
    problems: list[Problem] = _ordered(found)
    owned = [one for one in problems if choices["owner"] in ("", *_owners(one))]
    chosen = [] if choices.errors else [one for one in owned if choices["kind"] in ("", one.kind.value)]
    paginator = Paginator(chosen, ROWS_PER_PAGE)
    page = paginator.get_page(choices["page"])
    shown = list(page.object_list)
    beside = read_beside(found, [one for one in shown if isinstance(one, Cause)], now=now)
    rows = _rows(found, beside, shown, choices, now=now)
    began = {row.number: row.began_at for row in rows if row.number is not None and row.began_at}
    return NowPage(
        choices=choices,
        total=found.problems,
        connections=len(found.senders),
        troubled=len({_connection(one) for one in problems}),
        kinds=_kinds(choices, owned),
        owners=_owner_options(choices, problems),
        page=page,
        rows=rows,
        places=numbered_places(choices, page),
        charts=[
            ("wide", half_hour_chart(beside.half_hours, began, now=local(now), width=960, height=120, most_hours=8)),
            ("narrow", half_hour_chart(beside.half_hours, began, now=local(now), width=340, height=120, most_hours=4)),
        ],
        failed=sum(one.failed for one in beside.half_hours),
        lost=sum(one.lost for one in beside.half_hours),
        recovered=[
            RecoveredRow(one.job, one.recovery, found.connections[one.job.connection_id])
            for one in beside.recovered[:_LISTED]
        ],
        recovered_jobs=len(beside.recovered),
        running=[_running(one, found) for one in found.running[:_LISTED]],
        running_runs=found.running_runs,
    )


def _ordered(found: Now) -> list[Problem]:
    order = list(ProblemKind)
    return sorted([*found.causes, *found.of_connections], key=lambda one: order.index(one.kind))


def _rows(found: Now, beside: Beside, shown: Sequence[Problem], choices: Choices, *, now: datetime) -> list[ProblemRow]:
    """Make the rows. Those whose problem began in the last DAY are numbered, because the timeline shows them."""
    made = Rows(found, beside, choices)
    rows, number = [], 0
    for one in shown:
        is_recent = isinstance(one, Cause) and now - DAY <= beside.streak(one).since <= now + MOST_AHEAD
        number += is_recent
        rows.append(made.row(one, number if is_recent else None))
    return rows


def _running(running: RunningRun, found: Now) -> RunningRow:
    percent = None if running.ratio is None else min(100, round(100 * running.ratio))
    return RunningRow(running, found.connections[running.run.connection_id], minutes_of(running), percent)


def _owners(problem: Problem) -> list[str]:
    return problem.owners if isinstance(problem, Cause) else []


def _connection(problem: Problem) -> object:
    return problem.run.connection_id if isinstance(problem, Cause) else problem.connection_id


def _kinds(choices: Choices, owned: Sequence[Problem]) -> list[Option]:
    counts = {value: sum(one.kind.value == value for one in owned) for value in TITLES}
    return [option(choices, "kind", "", "All", len(owned)), *options(choices, "kind", TITLES, counts)]


def _owner_options(choices: Choices, problems: Sequence[Problem]) -> list[Option]:
    counts: dict[str, int] = {}
    for problem in problems:
        for owner in _owners(problem):
            counts[owner] = counts.get(owner, 0) + 1
    if chosen := choices["owner"]:
        counts.setdefault(chosen, 0)
    return options(choices, "owner", {owner: owner for owner in sorted(counts)}, counts)
