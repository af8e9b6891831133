"""Histories of jobs: since when one fails, and how one recovered. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from lineage.models.run_state import RunState

_BAD: Final = (RunState.FAILED, RunState.LOST)


class PastRun(NamedTuple):
    """Run of a history. `ended_at`: None if unknown."""

    state: str
    run_at: datetime
    ended_at: datetime | None

    @property
    def at(self) -> datetime:
        return self.ended_at or self.run_at


class Streak(NamedTuple):
    """Runs that failed or were lost since the last one that completed. `is_whole`: the history has a run before it, so
    that it began at `since`, not earlier."""

    since: datetime
    failures: int
    is_whole: bool


class Recovery(NamedTuple):
    """First run that completed after a streak."""

    at: datetime
    streak: Streak

    @property
    def after(self) -> timedelta:
        return self.at - self.streak.since


def streak_of(history: Sequence[PastRun]) -> Streak | None:
    """Return the streak at the end of a history, the latest run last. None: no run after the last completed one failed.

    Skipped, aborted and running runs neither end a streak nor count.
    """
    completed = [number for number, run in enumerate(history) if run.state == RunState.COMPLETED]
    first = completed[-1] + 1 if completed else 0
    bad = [run for run in history[first:] if run.state in _BAD]
    return Streak(bad[0].at, len(bad), is_whole=bool(completed)) if bad else None


def recovery_of(history: Sequence[PastRun]) -> Recovery | None:
    """Return the latest recovery in a history, the latest run last. None: there is none, or the job fails again."""
    if streak_of(history):
        return None
    bad = [number for number, run in enumerate(history) if run.state in _BAD]
    if not bad:
        return None
    streak = streak_of(history[: bad[-1] + 1])
    after = next((run for run in history[bad[-1] + 1 :] if run.state == RunState.COMPLETED), None)
    return Recovery(after.at, streak) if after and streak else None
