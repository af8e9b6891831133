"""What the runs of a job say of one another, said a second time for tests: docs/run-states.md in Python."""

from lineage.models import Run


def siblings(run: Run, runs: list[Run]) -> list[Run]:
    """The runs of one job in the same parent run."""
    return [r for r in runs if run.parent_run_id and r.parent_run_id == run.parent_run_id]


def latest_shown(runs: list[Run]) -> Run | None:
    shown = [run for run in runs if not run.told_state or all(r.told_state for r in siblings(run, runs))]
    newest = max(shown, key=lambda r: (r.run_at, r.id), default=None)
    if newest is None or newest.map_index is None:
        return newest
    failed = [r for r in siblings(newest, runs) if r.state == settled_state(r, runs) == "FAILED"]
    return max(failed, key=lambda r: (r.run_at, r.id), default=newest)


def settled_state(run: Run, runs: list[Run]) -> str:
    """As docs/run-states.md puts it, without what time does."""
    related = siblings(run, runs)
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
