"""What runs say of one another, said a second time for tests: docs/run-states.md in Python.

`runs`: those of one connection.
"""

from datetime import datetime, timedelta
from uuid import UUID

from lineage.models import Run


def of_job(run: Run, runs: list[Run]) -> list[Run]:
    """Those of the same job in the same parent run."""
    return [r for r in runs if run.parent_run_id and (r.parent_run_id, r.job_id) == (run.parent_run_id, run.job_id)]


def is_shown(run: Run, runs: list[Run]) -> bool:
    if run.told_state:
        before = [r for r in runs if r.job_id == run.job_id and r.parent_run_id in (run.earlier_parent_run_ids or ())]
        went_well = run.told_state in ("COMPLETED", "SKIPPED")
        has_reported = went_well and any(not r.told_state and r.state == "COMPLETED" for r in before)
        return not has_reported and all(r.told_state for r in of_job(run, runs))
    if run.test_ids is not None and run.node_id is None and run.invocation_id:
        single = {r.node_id for r in runs if r.node_id and r.invocation_id == run.invocation_id}
        begun = [r for r in runs if (r.invocation_id, r.job_id, r.test_ids) == (run.invocation_id, run.job_id, None)]
        if single and single.issuperset(run.test_ids) and not begun:
            return False
    sent = [r for r in runs if run.invocation_id and (r.invocation_id, r.job_id) == (run.invocation_id, run.job_id)]
    return run == min(sent, key=lambda r: (r.ended_at is None, r.run_at, r.id), default=run)


def latest_shown(job_id: object, runs: list[Run]) -> Run | None:
    shown = [run for run in runs if run.job_id == job_id and is_shown(run, runs)]
    newest = max(shown, key=lambda r: (r.run_at, r.id), default=None)
    if newest is None or newest.map_index is None:
        return newest
    instances = of_job(newest, runs)
    of_state = {
        state: [r for r in instances if r.state == settled_state(r, runs) == state] for state in ("FAILED", "RUNNING")
    }
    return max(of_state["FAILED"] or of_state["RUNNING"], key=lambda r: (r.run_at, r.id), default=newest)


def running_count(job_id: object, runs: list[Run]) -> int:
    of_this = [run for run in runs if run.job_id == job_id and run.state == "RUNNING"]
    return sum(settled_state(run, runs) == "RUNNING" and is_shown(run, runs) for run in of_this)


def settled_state(run: Run, runs: list[Run]) -> str:
    """As docs/run-states.md puts it, without what time does."""
    if run.terminal_type in ("NO_RESULT", "LONE_NO_RESULT", "SOME_RESULTS", "GENERIC_RESULTS") and run.node_id is None:
        return without_doubt(run, [r for r in runs if run.invocation_id and r.invocation_id == run.invocation_id])
    related = of_job(run, runs)
    if run.told_state or not related:
        return str(run.state)
    later = [r for r in related if r.map_index == run.map_index and (r.attempt or 0) > (run.attempt or 0)]
    is_open_or_failed = run.state in ("RUNNING", "UNKNOWN", "FAILED")
    if later and run.attempt is not None:
        return "RETRIED" if is_open_or_failed else str(run.state)
    for told in related:
        is_later = told.told_state and (run.ended_at is None or run.ended_at <= told.last_event_at)
        if is_later and run.map_index is None and (is_open_or_failed or told.told_state == "SKIPPED"):
            return str(told.told_state)
    return str(run.state)


def settled_end(run: Run, runs: list[Run]) -> datetime | None:
    """Where its worker sent no end: by how long it took, which its parent told."""
    related = of_job(run, runs)
    tries = [r for r in related if r.map_index == run.map_index]
    is_tried_again = run.attempt is not None and any((r.attempt or 0) > run.attempt for r in tries)
    told = next((r for r in related if r.told_state), None)
    if run.ended_at or run.map_index is not None or is_tried_again or not (run.started_at and told):
        return run.ended_at
    if not told.told_duration_ms:
        return None
    return run.started_at + timedelta(milliseconds=told.told_duration_ms)


def ended_above(run: Run, runs: list[Run], endless: set[UUID]) -> tuple[UUID, datetime] | None:
    """What ended without it, and when that was over; `endless`: the jobs that are never lost. Of four at most."""
    by_id = {r.id: r for r in runs}
    below, heard_at = run, run.last_event_at
    for _ in range(4):
        above = by_id.get(below.parent_run_id) if below.parent_run_id else None
        if above is None or above == below:
            return None
        if over_at := when_over(above, runs):
            return (above.id, over_at) if over_at >= heard_at else None
        if above.job_id in endless:
            return None
        below, heard_at = above, max(heard_at, above.last_event_at)
    return None


def when_over(run: Run, runs: list[Run]) -> datetime | None:
    """When it ended as it is shown, or was tried again."""
    tries = [r for r in of_job(run, runs) if r.map_index == run.map_index and run.attempt is not None]
    later = [r.run_at for r in tries if (r.attempt or 0) > (run.attempt or 0)]
    return run.ended_at or min(later, default=None) or settled_end(run, runs)


def without_doubt(run: Run, others: list[Run]) -> str:
    """Of dbt tests without a result; `others` are of the same invocation."""
    if run.terminal_type == "NO_RESULT":
        return "FAILED" if has_completed(run, others) else "SKIPPED"
    if run.terminal_type == "LONE_NO_RESULT":
        return "SKIPPED" if has_missed_a_model(run, others) else "FAILED"
    lone = [r for r in others if r.job_id in needs(run) and r.terminal_type == "LONE_NO_RESULT"]
    if not all(has_missed_a_model(r, others) for r in lone):
        return "FAILED"
    anything_failed = any(r.state == "FAILED" and r != run for r in others)
    return "COMPLETED" if run.terminal_type == "GENERIC_RESULTS" or anything_failed else "FAILED"


def needs(run: Run) -> set[UUID]:
    return set(run.needed_job_ids or ())


def has_completed(run: Run, others: list[Run]) -> bool:
    return any(r.job_id in needs(run) and r.state == "COMPLETED" for r in others)


def has_missed_a_model(run: Run, others: list[Run]) -> bool:
    skipped = [r for r in others if r.terminal_type == "NO_RESULT" and not has_completed(r, others)]
    return any(needs(run) & needs(r) for r in skipped) or any(
        needs(run) & {r.job_id, *needs(r)} and r.terminal_type == "FAIL" for r in others
    )
