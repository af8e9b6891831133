"""Problems of runs, grouped by cause. Pure.

A failed task makes its DAG fail, and a failed model its command: only the innermost run is a cause. Runs under one
parent that fail with one error have one cause, and so have instances of one mapped task.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from lineage.models.run_state import RunState
from lineage.runs.error_headline import error_headline

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|\b[0-9a-f]{16,}\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")


class ProblemKind(StrEnum):
    """Kind of a problem, in the order in which lists show them."""

    FAILING = "failing"
    LOST = "lost"
    SLOW = "slow"
    SILENT = "silent"
    REFUSED = "refused"


KIND_OF_STATE: Final = {
    RunState.FAILED: ProblemKind.FAILING,
    RunState.LOST: ProblemKind.LOST,
    RunState.RUNNING: ProblemKind.SLOW,
}


class ProblemRun(NamedTuple):
    """Run that failed, was lost or is running, with its job. `run_id`: as its sender gave it. `error`: empty if none
    was given."""

    connection_id: UUID
    job_id: UUID
    job_name: str
    job_kind: str
    owners: list[str]
    id: UUID
    run_id: UUID
    shares_run_id: bool
    map_index: int | None
    state: str
    run_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    last_event_at: datetime
    parent_run_id: UUID | None
    parent_job_name: str
    error: str

    @property
    def short_name(self) -> str:
        """Return the job's name without the name of the job that contains it."""
        return self.job_name.removeprefix(f"{self.parent_job_name}.") or self.job_name

    @property
    def failed_at(self) -> datetime:
        """Return when it ended, or, if that is unknown, when it took place."""
        return self.ended_at or self.run_at


@dataclass(frozen=True, slots=True)
class Cause:
    """Problem of one run. `others`: runs of other jobs, or other instances, that share its cause."""

    run: ProblemRun
    others: Sequence[ProblemRun] = ()

    @property
    def kind(self) -> ProblemKind:
        return KIND_OF_STATE[RunState(self.run.state)]

    @property
    def owners(self) -> list[str]:
        return list(dict.fromkeys(owner for run in (self.run, *self.others) for owner in run.owners))


def causes(runs: Iterable[ProblemRun]) -> list[Cause]:
    """Group runs by cause. The run that ended first stands for its group."""
    groups: dict[object, list[ProblemRun]] = {}
    for run in sorted(_innermost(list(runs)), key=lambda run: (run.failed_at, run.job_name, run.id)):
        groups.setdefault(_same_cause(run), []).append(run)
    return [Cause(first, tuple(others)) for first, *others in groups.values()]


def _innermost(runs: Sequence[ProblemRun]) -> list[ProblemRun]:
    """Leave out runs whose problem is that of a run inside. A failure is never left out for a run that was lost."""
    explained = {
        (run.parent_run_id, run.parent_job_name, state)
        for run in runs
        for state in _EXPLAINS.get(RunState(run.state), ())
    }
    return [run for run in runs if (run.run_id, run.job_name, run.state) not in explained]


# State of a run → states of the run above it that it explains.
_EXPLAINS: Final = {
    RunState.FAILED: (RunState.FAILED, RunState.LOST),
    RunState.LOST: (RunState.LOST,),
    RunState.RUNNING: (RunState.RUNNING,),
}


def _same_cause(run: ProblemRun) -> object:
    """Return a key that runs with one cause share."""
    error = normalised_error(run)
    if run.state != RunState.FAILED or not error:
        return run.connection_id, run.job_id, run.state
    return run.connection_id, run.parent_run_id or run.job_id, error


def normalised_error(run: ProblemRun) -> str:
    """Return the error without what differs between runs: numbers, ids and the job's own name.

    The line after the headline counts: "Database Error in model orders" says nothing of the reason.
    """
    headline = error_headline(run.error)
    lines = [line.strip() for line in run.error.splitlines() if line.strip()]
    after = lines[lines.index(headline) + 1] if headline in lines[:-1] else ""
    text = f"{headline} {after}".lower()
    for name in sorted({run.job_name, run.short_name, run.job_name.rpartition(".")[2]}, key=len, reverse=True):
        if name.lower() in text:
            text = re.sub(rf"(?<!\w){re.escape(name.lower())}(?!\w)", "@", text)
    return _NUMBER.sub("#", _ID.sub("#", text)).strip()
