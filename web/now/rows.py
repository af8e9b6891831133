"""Rows of the page Now: one for each problem, and those that fold under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse

from connections.kinds import kind_of
from lineage.models import Job
from lineage.now.downstream import DEPTH, Downstream
from lineage.now.now import Beside, Now, RunningRun
from lineage.now.problems import Cause, ProblemKind, ProblemRun
from lineage.now.senders import ConnectionProblem
from lineage.runs.durations import format_duration
from lineage.runs.error_headline import error_headline
from web.components.lists import Choices
from web.jobs.rows import MOST_OPEN
from web.templatetags.observatory import job_url, run_url

KINDS: Final[dict[str, str]] = dict(Job.Kind.choices)
_NAMED_KINDS: Final = ("TASK", "MODEL", "TEST")
_NO_MESSAGE: Final = "Failed without a message. The page of the run has what its sender said."
_LOST: Final = "No end was received, and nothing else for longer than this job's runs explain."
_NOTHING: Final = Downstream()
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FoldedRow:
    """Run that shares the cause of the row above. `name`: with the map index of an instance."""

    id: str
    name: str
    url: str
    where: str
    strip: Sequence[str]
    began_at: datetime


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """Problem. `url`: of the job or connection; `reason_url`: of the run, or where the reason is shown.

    `number`: in the timeline; None: it began earlier. `is_older`: it began before `began_at`. `downstream`: None where
    nothing can wait. `fold`: words of the link that unfolds `others`; empty without any.
    """

    id: str
    kind: ProblemKind
    name: str
    title: str
    url: str
    reason_url: str
    where: str
    strip: Sequence[str]
    began_at: datetime | None
    is_older: bool
    downstream: Downstream | None
    downstream_url: str
    owners: Sequence[str]
    reason: str
    number: int | None = None
    fold: str = ""
    is_open: bool = False
    toggle_query: str = ""
    others: Sequence[FoldedRow] = ()


class Rows:
    """Makes the rows of problems."""

    def __init__(self, found: Now, beside: Beside, choices: Choices) -> None:
        self._beside, self._choices = beside, choices
        self._connections = found.connections
        self._running = {one.run.id: one for one in found.running}
        self._open = [id_ for id_ in choices["open"].split(",") if id_]

    def row(self, problem: Cause | ConnectionProblem, number: int | None) -> ProblemRow:
        if isinstance(problem, ConnectionProblem):
            return self._of_connection(problem)
        return self._of_cause(problem, number)

    def _of_cause(self, cause: Cause, number: int | None) -> ProblemRow:
        run, streak = cause.run, self._beside.streak(cause)
        id_ = str(run.id)
        return ProblemRow(
            id=f"{run.connection_id}-{id_}",
            kind=cause.kind,
            name=_name(run),
            title=run.job_name,
            url=job_url(run.connection_id, run.job_id),
            reason_url=run_url(run),
            where=f"{_where(run)} · {self._connections[run.connection_id].name}",
            strip=self._strip(run),
            began_at=streak.since,
            is_older=not streak.is_whole,
            downstream=self._beside.downstream.get(run.job_id, _NOTHING),
            downstream_url=f"{reverse('lineage')}?node=job:{run.job_id}&direction=down&depth={DEPTH}",
            owners=cause.owners,
            reason=self._reason(cause),
            number=number,
            fold=_fold(cause),
            is_open=id_ in self._open,
            toggle_query=self._toggle_query(id_),
            others=[self._folded(run) for run in cause.others] if id_ in self._open else (),
        )

    def _folded(self, run: ProblemRun) -> FoldedRow:
        url = run_url(run)
        id_ = f"{run.connection_id}-{run.id}"
        return FoldedRow(id_, _name(run), url, _where(run), self._strip(run), run.failed_at)

    def _strip(self, run: ProblemRun) -> list[str]:
        return [past.state for past in self._beside.histories.get(run.job_id, ())]

    def _of_connection(self, problem: ConnectionProblem) -> ProblemRow:
        connection = self._connections[problem.connection_id]
        return ProblemRow(
            id=f"{problem.kind}-{connection.pk}",
            kind=problem.kind,
            name=connection.name,
            title=connection.name,
            url=reverse("connection_overview", args=[connection.pk]),
            reason_url=reverse("connection_settings", args=[connection.pk]),
            where=f"{kind_of(connection.type).short_title} connection",
            strip=(),
            began_at=problem.since,
            is_older=False,
            downstream=None,
            downstream_url="",
            owners=(),
            reason=problem.reason,
        )

    def _reason(self, cause: Cause) -> str:
        if cause.kind is ProblemKind.FAILING:
            return error_headline(cause.run.error) or _NO_MESSAGE
        if cause.kind is ProblemKind.LOST:
            return _LOST
        running = self._running[cause.run.id]
        median = format_duration(running.median) if running.median else ""
        return f"Running for {minutes_of(running)}, {running.ratio or 0:.1f} times its median of {median}"

    def _toggle_query(self, id_: str) -> str:
        others = [one for one in self._open if one != id_]
        opened = others if len(others) < len(self._open) else [*others, id_][-MOST_OPEN:]
        return self._choices.query(open=",".join(opened), page=self._choices["page"]) or "?"


def minutes_of(running: RunningRun) -> str:
    """Return for how long a run has been running, in whole minutes from one minute on: the page then stays as it is
    for a minute."""
    if running.elapsed is None:
        return "unknown time"
    if running.elapsed < _MINUTE:
        return "less than 1 min"
    return format_duration(running.elapsed - running.elapsed % _MINUTE)


def _name(run: ProblemRun) -> str:
    return run.short_name if run.map_index is None else f"{run.short_name} [{run.map_index}]"


def _where(run: ProblemRun) -> str:
    kind = KINDS.get(run.job_kind, run.job_kind)
    return f"in {run.parent_job_name}" if run.parent_job_name else kind


def _fold(cause: Cause) -> str:
    """Return `and 2 tasks`: what folds under the run."""
    count = len(cause.others)
    if not count:
        return ""
    if all(run.job_id == cause.run.job_id for run in cause.others):
        word = "instance"
    else:
        kinds = {run.job_kind for run in cause.others}
        kind = kinds.pop() if len(kinds) == 1 else ""
        word = KINDS[kind].lower() if kind in _NAMED_KINDS else "job"
    return f"and {count} {word}{'s' if count > 1 else ''}"
