"""Runs that took so long, or run for so long already: by the ends and states that they are shown with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineage.models import Run
from lineage.states.deadlines import sweep
from tests.lineage.airflow import dag_event, dag_run_id, task_event, task_run_id
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender

pytestmark = pytest.mark.django_db

AFTERNOON = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
THREE_DAYS_LATER = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RUN = "00000000-0000-0000-0000-000000000001"
DURATIONS = [timedelta(seconds=seconds) for seconds in (0, 1, 12, 13, 600, 3600, 86400, 4 * 86400)]


def lasting(sender: Sender, duration: timedelta, now: datetime = THREE_DAYS_LATER) -> set[str]:
    runs = Run.objects.shown().of(sender.connection).lasting_at_least(duration, now=now)
    return {str(run.run_id) for run in runs}


def test_a_killed_task_took_as_long_as_its_dag_run_says(sender: Sender) -> None:
    sender.send(task_event("START", 0), dag_event("FAIL", 900, {"load": "failed"}, durations={"load": 12.5}))
    assert lasting(sender, timedelta(seconds=12)) == {task_run_id("load")}
    assert lasting(sender, timedelta(seconds=13)) == set()
    assert lasting(sender, timedelta(days=1)) == set()


def test_how_long_a_killed_try_and_a_lost_run_took_is_not_known(sender: Sender) -> None:
    sender.send(
        task_event("START", 0, attempt=1),
        task_event("START", 60, attempt=2),
        task_event("COMPLETE", 90, attempt=2),
        task_event("START", 0, "mapped", map_index=1),
        run_event("START", at(0)),
        dag_event("COMPLETE", 900, {"load": "success", "mapped": "success"}, durations={"load": 30, "mapped": 5}),
        now=AFTERNOON,
    )
    # Before it was lost, one ran for so long already.
    assert lasting(sender, timedelta(hours=1), AFTERNOON) == {RUN}
    sweep(THREE_DAYS_LATER)
    states = {run.job.name: run.shown_state for run in shown(sender) if run.ended_at is None}
    assert states == {"dag.load": "RETRIED", "dag.mapped": "LOST", "job": "LOST"}
    assert lasting(sender, timedelta(0)) == {task_run_id("load", 2)}


def test_as_it_is_shown(sender: Sender, sample_lines: Any) -> None:
    began = datetime(2026, 11, 20, 12, 20, tzinfo=UTC)
    sender.send(*sample_lines(), now=began)
    sender.send(dag_event("START", 0), *(task_event("START", 1, f"task_{number}") for number in range(3)), now=began)
    told = {"task_1": "failed", "task_2": "skipped"}
    sender.send(dag_event("FAIL", 900, told, durations={"task_1": 12.5}), now=began)
    for now in (began, THREE_DAYS_LATER):
        sweep(now)
        runs = shown(sender)
        assert {dag_run_id(), task_run_id("task_1")} <= {str(run.run_id) for run in runs}
        for duration in DURATIONS:
            expected = {str(run.run_id) for run in runs if lasts(run, duration, now)}
            assert lasting(sender, duration, now) == expected


def shown(sender: Sender) -> list[Run]:
    return list(Run.objects.shown().of(sender.connection).select_related("job"))


def lasts(run: Run, duration: timedelta, now: datetime) -> bool:
    end = now if run.shown_state == "RUNNING" else run.shown_ended_at
    return run.started_at is not None and end is not None and end - run.started_at >= duration
