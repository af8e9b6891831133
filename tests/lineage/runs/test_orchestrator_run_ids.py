"""Orchestrator run ids: only DAG runs and dbt commands have them, not their tasks and nodes."""

from collections.abc import Callable
from typing import Any

import pytest

from lineage.models import Run
from tests.lineage.airflow import dag_event, task_event
from tests.lineage.build import at
from tests.lineage.conftest import Sender

SampleLines = Callable[..., list[bytes]]


def called() -> dict[str, set[str]]:
    """Job name → what its runs are called, of those that are called anything."""
    names: dict[str, set[str]] = {}
    for job, name in Run.objects.exclude(orchestrator_run_id="").values_list("job__name", "orchestrator_run_id"):
        names.setdefault(job, set()).add(name)
    return names


def test_a_real_airflow(sender: Sender, sample_lines: SampleLines) -> None:
    sender.send(*sample_lines("airflow-scheduler"))
    assert called() == {
        "shop_daily": {"manual__2026-11-20T20:38:30.229494+00:00", "scheduled__2026-11-20T03:00:00+00:00"},
        "flaky_hourly": {f"scheduled__2026-11-20T{hour}:00:00+00:00" for hour in (18, 19, 20)},
    }


@pytest.mark.parametrize(
    ("sample", "invocation"),
    [
        ("dbt-run-ok", "82d4d081-150a-4301-8af7-90cbe1c5e106"),
        ("dbt-build-struct", "d3ba9c57-2b64-4da7-8b95-796aadb87543"),
    ],
)
def test_a_real_dbt(sender: Sender, sample_lines: SampleLines, sample: str, invocation: str) -> None:
    sender.send(*sample_lines(sample))
    assert called() == {"dbt-run-shop": {invocation}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"run_id": "manual__1", "start_date": at(0)}, "manual__1"),
        ({"run_id": "manual__1"}, "manual__1"),
        ({"run_id": "manual__1", "start_date": "yesterday"}, "manual__1"),
        ({"run_id": "é" * 251, "start_date": at(0)}, "é" * 250),
        ({"run_id": "a\0b", "start_date": at(0)}, "a\ufffdb"),
        ({"run_id": "", "start_date": at(0)}, ""),
        ({"run_id": 7, "start_date": at(0)}, ""),
        ({}, ""),
    ],
)
def test_what_a_facet_may_say(sender: Sender, said: dict[str, Any], expected: str) -> None:
    sender.send(dag_event("START", 0, about=said), task_event("START", 1))
    assert dict(Run.objects.values_list("job__name", "orchestrator_run_id")) == {"dag": expected, "dag.load": ""}


def test_a_later_event_that_does_not_say_it_takes_nothing_away(sender: Sender) -> None:
    for event in (dag_event("START", 0, about={"run_id": "manual__1"}), dag_event("COMPLETE", 9)):
        sender.send(event)
    assert called() == {"dag": {"manual__1"}}
