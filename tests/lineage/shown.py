"""Check that the stored shown values are those that the rules give for all runs of a connection at once.

Settling reads only the families of changed runs. If it missed a relative, the two would differ.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from lineage.models import Job, Mark
from lineage.states.job_counts import MAX_RUNNING_RUNS
from lineage.states.rules import Family, FamilyRun, Shown, shown

_RUNS = f"""
SELECT {", ".join(FamilyRun._fields)}, shown_state, shown_ended_at, is_hidden FROM lineage_run
WHERE connection_id = %s AND joined_in IS NULL
"""  # noqa: S608 - made of constants


def assert_shown_as_the_rules_say(connection_id: UUID) -> None:
    """Compare shown values, except which runs became lost meanwhile: the tests of deadlines check that."""
    assert not Mark.objects.filter(connection_id=connection_id).exists()
    stored = _stored(connection_id)
    family = Family(stored)
    expected = {run: shown(run, family) for run in stored}
    assert {run: its._replace(state=_without_time(its.state)) for run, its in stored.items()} == expected
    _assert_jobs_count_them(connection_id, stored)


def _stored(connection_id: UUID) -> dict[FamilyRun, Shown]:
    own = len(FamilyRun._fields)
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, [connection_id])
        return {FamilyRun(*map(_hashable, row[:own])): Shown(*row[own:]) for row in cursor.fetchall()}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _without_time(state: str) -> str:
    return "RUNNING" if state == "LOST" else state


def _assert_jobs_count_them(connection_id: UUID, stored: dict[FamilyRun, Shown]) -> None:
    """The latest run and the running count that a job row carries are those that its runs give."""
    of_job: dict[UUID, list[FamilyRun]] = defaultdict(list)
    for run in stored:
        of_job[run.job_id].append(run)
    for job in Job.objects.filter(connection_id=connection_id):
        seen = [run for run in of_job[job.id] if not stored[run].is_hidden]
        latest = _latest(seen, stored)
        assert job.latest_run_id == (latest and latest.id)
        assert job.latest_run_state == (latest and stored[latest].state)
        assert job.latest_run_ended_at == (latest and stored[latest].ended_at)
        running = sum(stored[run].state == "RUNNING" for run in seen)
        assert job.running_runs == min(running, MAX_RUNNING_RUNS)


def _latest(runs: Iterable[FamilyRun], stored: dict[FamilyRun, Shown]) -> FamilyRun | None:
    """The newest; of a mapped task's instances in its DAG run one that failed, else one that was lost or runs."""
    newest = max(runs, key=_by_start, default=None)
    if newest is None or newest.map_index is None:
        return newest
    together = "parent_run_id" if newest.parent_run_id else "run_id"
    mapped = [run for run in runs if run.map_index is not None]
    instances = [run for run in mapped if getattr(run, together) == getattr(newest, together)]
    for state in ("FAILED", "LOST", "RUNNING"):
        if of_state := [run for run in instances if stored[run].state == state]:
            return max(of_state, key=_by_start)
    return newest


def _by_start(run: FamilyRun) -> Any:
    return run.run_at, run.id
