"""Rows of the timeline of child runs: tries on one line, waits between them, lost runs, the usual end. Pure."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from lineage.models import Job, Run
from web.runs.timeline import Axis, Bar, TimelineRow, Wait, legend_of, rows_of

T0 = datetime(2026, 3, 2, tzinfo=UTC)
AXIS = Axis(T0, T0 + timedelta(seconds=100), T0)
CONNECTION = uuid.UUID(int=1)
LOAD = Job(connection_id=CONNECTION, id=uuid.UUID(int=2), name="shop.load")


def run(state: str, start: int, end: int | None = None, *, last_event: int | None = None, **fields: Any) -> Run:
    """Make a run. Times are in seconds, which are percents of the axis."""
    last = T0 + timedelta(seconds=last_event if last_event is not None else end if end is not None else start)
    began = T0 + timedelta(seconds=start)
    ended = None if end is None else T0 + timedelta(seconds=end)
    of = {"connection_id": CONNECTION, "id": uuid.uuid4(), "job": LOAD, "shown_state": state}
    return Run(**of, started_at=began, first_event_at=began, shown_ended_at=ended, last_event_at=last, **fields)


def rows(*runs: Run, usual: int | None = None) -> list[TimelineRow]:
    return rows_of(
        runs,
        AXIS,
        connection_id=CONNECTION,
        prefix="shop",
        now=T0,
        why_silent=lambda _: "silent",
        usual={} if usual is None else {LOAD.id: timedelta(seconds=usual)},
    )


def test_the_tries_of_a_task_are_one_row_with_waits_between_them() -> None:
    tries = [run("RETRIED", 0, 10, attempt=1), run("RETRIED", 30, 40, attempt=2), run("FAILED", 40, 60, attempt=3)]
    [row] = rows(*tries, usual=25)
    assert (row.run, row.tries, row.name, row.names_try) == (tries[2], tries[:2], "load", True)
    assert row.bars == [Bar("retried", 0, 10), Bar("retried", 30, 10), Bar("failed", 40, 20)]
    # The third try began at once.
    assert row.waits == [Wait(10, 30)]
    assert row.usual_end == 25
    assert [key for key, _ in legend_of([row])] == ["retried", "wait", "usual"]


def test_instances_and_runs_without_a_try_number_have_rows_of_their_own() -> None:
    instances = [run("COMPLETED", 0, 9, attempt=1, map_index=number) for number in range(3)]
    assert len(rows(*instances, run("COMPLETED", 20, 30), run("COMPLETED", 40, 50))) == 5


def test_a_lost_run_ends_at_its_last_event_and_a_running_one_goes_on() -> None:
    [lost, running] = rows(run("LOST", 10, last_event=30), run("RUNNING", 20))
    assert lost.bars == [Bar("lost", 10, 20), Bar("gone", 30, 70)]
    assert running.bars == [Bar("running", 20, 80)]
    assert legend_of([running]) == []


def test_there_is_no_usual_end_beyond_the_axis_or_of_what_did_not_run() -> None:
    [late] = rows(run("COMPLETED", 80, 90), usual=25)
    [skipped] = rows(run("SKIPPED", 0, 0), usual=25)
    [silent] = rows(run("SKIPPED", 0, 0, state_from_parent="SKIPPED"), usual=25)
    assert (late.usual_end, skipped.usual_end, silent.usual_end) == (None, None, None)
    assert (silent.bars, silent.silent) == ((), "silent")
