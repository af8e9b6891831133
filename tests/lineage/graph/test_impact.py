"""States of the datasets downstream of a failure."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from lineage.events.identity import dataset_id
from lineage.graph.answer import answer
from lineage.graph.asked import asked_in
from lineage.graph.found import Answer
from lineage.graph.impact import Writer, impact
from lineage.graph.question import Focus, Question
from lineage.models import Run
from tests.lineage.build import at, dataset
from tests.lineage.conftest import Sender
from tests.lineage.graph.walks import run

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
A, B, C, D = (UUID(int=number) for number in range(1, 5))
CHAIN = [(A, B), (B, C)]
DISTANCES = {A: 0, B: 1, C: 2}


def ran(minute: float, failed: float | None = None) -> Writer:
    """A writer that began its last completed run at this minute, took one, and failed later, if at all."""
    began = NOON + timedelta(minutes=minute)
    return Writer(began, began + timedelta(minutes=1), None if failed is None else NOON + timedelta(minutes=failed))


@pytest.mark.parametrize(
    ("writers", "expected"),
    [
        ({A: ran(0), B: ran(2), C: ran(4)}, {}),
        ({A: ran(0, failed=10), B: ran(2), C: ran(4)}, {A: "failed", B: "waiting", C: "waiting"}),
        # It ran after the failure, with what was there.
        ({A: ran(0, failed=10), B: ran(12), C: ran(4)}, {A: "failed", B: "old_data", C: "waiting"}),
        ({A: ran(0, failed=10), B: ran(12), C: ran(14)}, {A: "failed", B: "old_data", C: "old_data"}),
        ({A: Writer(failed_at=NOON), C: ran(4)}, {A: "failed", B: "waiting", C: "old_data"}),
        ({B: ran(0, failed=5), A: ran(0), C: ran(9)}, {B: "failed", C: "old_data"}),
    ],
)
def test_while_it_fails(writers: dict[UUID, Writer], expected: dict[UUID, str]) -> None:
    assert impact(CHAIN, writers, DISTANCES) == expected


@pytest.mark.parametrize(
    ("writers", "expected"),
    [
        ({A: ran(20), B: ran(2), C: ran(4)}, {A: "fresh_again", B: "waiting", C: "waiting"}),
        ({A: ran(20), B: ran(12), C: ran(4)}, {A: "fresh_again", B: "old_data", C: "waiting"}),
        ({A: ran(20), B: ran(22), C: ran(4)}, {A: "fresh_again", B: "fresh_again", C: "waiting"}),
        # C ran before B was fresh again.
        ({A: ran(20), B: ran(22), C: ran(15)}, {A: "fresh_again", B: "fresh_again", C: "old_data"}),
        ({A: ran(20), B: ran(22), C: ran(24)}, dict.fromkeys((A, B, C), "fresh_again")),
    ],
)
def test_after_its_job_completed_again(writers: dict[UUID, Writer], expected: dict[UUID, str]) -> None:
    failed = {A: NOON + timedelta(minutes=10)}
    assert impact(CHAIN, writers, DISTANCES, failed_before=failed) == expected


def test_one_old_source_makes_old() -> None:
    lines = [(A, C), (B, C)]
    writers = {A: ran(20), B: ran(0, failed=5), C: ran(30)}
    states = impact(lines, writers, {A: 0, B: 0, C: 1}, failed_before={A: NOON + timedelta(minutes=10)})
    assert states == {A: "fresh_again", B: "failed", C: "old_data"}


@pytest.mark.parametrize(
    ("writers", "expected"),
    [
        ({A: ran(0, failed=10), C: ran(4)}, {A: "failed", B: "waiting", C: "waiting"}),
        ({A: ran(0, failed=10), C: ran(12)}, {A: "failed", B: "waiting", C: "old_data"}),
        ({A: ran(20), C: ran(12)}, {A: "fresh_again", B: "fresh_again", C: "old_data"}),
        ({A: ran(20), C: ran(22)}, dict.fromkeys((A, B, C), "fresh_again")),
    ],
)
def test_a_view_shows_what_its_source_holds(writers: dict[UUID, Writer], expected: dict[UUID, str]) -> None:
    failed = {} if writers[A].failed_at else {A: NOON + timedelta(minutes=10)}
    assert impact(CHAIN, writers, DISTANCES, failed_before=failed, views={B}) == expected


def test_cycles_end() -> None:
    lines = [(A, B), (B, A), (A, A)]
    states = impact(lines, {A: ran(0, failed=5), B: ran(1)}, {A: 0, B: 1})
    assert states == {A: "failed", B: "waiting"}


def states_in(found: Answer) -> dict[str, str | None]:
    return {node.name: node.impact for node in found.nodes if node.kind == "dataset"}


@pytest.mark.django_db
def test_a_view_from_events(sender: Sender) -> None:
    view = dataset("view", lineage={"inputs": [{"namespace": "warehouse", "name": "raw", "type": "DATASET"}]})
    sender.send(json.dumps({"eventTime": at(0), "producer": "test", "dataset": view}).encode())
    sender.send(run("load", "src", "raw"), run("load", "src", "raw", at_minute=10, type_="FAIL"))
    sender.send(run("report", "view", "sheet", at_minute=12))
    question = Question(Focus("dataset", dataset_id("warehouse", "raw")), (sender.connection.pk,), depth=5)
    expected = {"src": None, "raw": "failed", "view": "waiting", "sheet": "old_data"}
    assert states_in(answer(question, view="datasets")) == expected


@pytest.mark.django_db
def test_from_events(sender: Sender) -> None:
    sender.send(
        run("load", "src", "raw"), run("model", "raw", "mart", at_minute=2), run("report", "mart", "sheet", at_minute=4)
    )
    question = Question(Focus("dataset", dataset_id("warehouse", "raw")), (sender.connection.pk,), depth=5)
    assert states_in(answer(question, view="datasets")) == dict.fromkeys(("src", "raw", "mart", "sheet"))
    sender.send(run("load", "src", "raw", at_minute=10, type_="FAIL"), run("model", "raw", "mart", at_minute=12))
    expected = {"src": None, "raw": "failed", "mart": "old_data", "sheet": "waiting"}
    assert states_in(answer(question, view="datasets")) == expected
    sender.send(run("load", "src", "raw", at_minute=20))
    # Now nothing fails; but one may ask what became of the run that failed.
    assert states_in(answer(question, view="datasets")) == dict.fromkeys(("src", "raw", "mart", "sheet"))
    failed = Run.objects.get(shown_state="FAILED")
    asked = asked_in({"node": f"run:{failed.run_id}", "depth": "5"}, [sender.connection.pk], now=NOON)
    assert asked is not None
    found = answer(asked.question, view="datasets", run_edges=asked.run_edges, failed_at=asked.failed_at)
    assert states_in(found) == {"src": None, "raw": "fresh_again", "mart": "old_data", "sheet": "waiting"}
