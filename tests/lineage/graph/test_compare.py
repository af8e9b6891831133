"""Lineage of two moments: what was added since, what is gone, and what is unchanged."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lineage.graph.asked import WrongParameter, asked_in
from lineage.graph.compare import answer_to
from lineage.graph.found import Answer
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender

pytestmark = pytest.mark.django_db

BEFORE, AFTER, LATER = "2026-11-02T00:00:00Z", "2026-11-20T00:00:00Z", "2026-12-02T00:00:00Z"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def written(job: str, day: int, reads: str, writes: str) -> bytes:
    inputs, outputs = ([dataset(name) for name in names.split()] for names in (reads, writes))
    time = datetime(2026, 11, day, tzinfo=UTC).isoformat()
    return run_event("COMPLETE", time, run=f"{job} {day}", job=job, inputs=inputs, outputs=outputs)


def ask(sender: Sender, name: str, **parameters: str) -> Answer:
    asked = asked_in(
        {"node": f"dataset:warehouse:{name}", "compare": BEFORE, "depth": "5", **parameters},
        [sender.connection.pk],
        now=NOW,
    )
    assert asked
    return answer_to(asked)


def nodes(found: Answer) -> dict[str, str]:
    return {node.name: node.change for node in found.nodes}


def lines(found: Answer) -> dict[str, str]:
    names = {node.key: node.name for node in found.nodes}
    return {f"{names[edge.source]}>{names[edge.target]}": edge.change for edge in found.edges}


@pytest.fixture
def moved(sender: Sender) -> Sender:
    """J read A and B and reads A and C now. K reads what J writes. L came later."""
    sender.send(written("J", 1, "A B", "T"), written("K", 1, "T", "U"))
    sender.send(written("J", 19, "A C", "T"), written("K", 19, "T", "U"), written("L", 19, "U", "V"))
    return sender


def test_lines_and_nodes_say_what_changed(moved: Sender) -> None:
    found = ask(moved, "T")
    assert lines(found) == {
        "A>T": "unchanged",
        "B>T": "gone",
        "C>T": "added",
        "T>U": "unchanged",
        "U>V": "added",
    }
    assert nodes(found) == {
        "A": "unchanged",
        "B": "gone",
        "C": "added",
        "T": "unchanged",
        "U": "unchanged",
        "V": "added",
    }
    assert lines(ask(moved, "T", at="2026-11-03T00:00:00Z")) == dict.fromkeys(("A>T", "B>T", "T>U"), "unchanged")


def test_jobs_say_it_too(moved: Sender) -> None:
    found = ask(moved, "T", view="jobs")
    changes = nodes(found)
    assert (changes["J"], changes["K"], changes["L"]) == ("unchanged", "unchanged", "added")
    assert {line: change for line, change in lines(found).items() if change != "unchanged"} == {
        "B>J": "gone",
        "C>J": "added",
        "U>L": "added",
        "L>V": "added",
    }


def test_a_focus_that_came_later_and_one_that_is_gone(moved: Sender) -> None:
    assert nodes(ask(moved, "V"))["V"] == "added"
    found = ask(moved, "B")
    assert (nodes(found)["B"], lines(found)["B>T"]) == ("gone", "gone")


def test_what_lies_elsewhere_in_the_graph_now_is_no_change(sender: Sender) -> None:
    """T was three steps from A, and is one step now; the depth hides the way in one of the two graphs."""
    sender.send(written("J", 1, "A", "B"), written("K", 1, "B", "C"), written("L", 1, "C", "T"))
    sender.send(written("K", 19, "B", "C"), written("L", 19, "C", "T"), written("J", 19, "A", "B"))
    sender.send(written("M", 19, "A", "C"))
    found = ask(sender, "A", depth="2", direction="down")
    assert lines(found) == {"A>B": "unchanged", "B>C": "unchanged", "A>C": "added", "C>T": "unchanged"}
    assert nodes(found)["T"] == "unchanged"


def test_the_limit_makes_no_changes(sender: Sender) -> None:
    sender.send(written("J", 1, "A", "B C D E"), written("J", 19, "A", "B C D E"))
    assert set(lines(ask(sender, "A", limit="3")).values()) == {"unchanged"}


def day(number: int) -> str:
    return datetime(2026, 11, number, tzinfo=UTC).isoformat()


def kinds(found: Answer) -> set[tuple[str, str]]:
    return {(edge.kind, edge.change) for edge in found.edges}


def test_a_rename_beside_a_line_with_the_same_ends(sender: Sender) -> None:
    previous = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "warehouse", "name": "A"}}
    renamed = dataset("B", lifecycleStateChange=previous)
    sender.send(written("J", 1, "A", "B"), run_event("COMPLETE", day(19), run="R", job="R", outputs=[renamed]))
    assert kinds(ask(sender, "A")) == {("current", "unchanged"), ("renamed", "added")}


@pytest.mark.parametrize(("since", "change"), [(1, "unchanged"), (19, "added")])
def test_lines_that_lead_through_no_job(sender: Sender, since: int, change: str) -> None:
    """A view is derived from a table, and a job runs after another one."""
    of_view = dataset("V", lineage={"inputs": [{"namespace": "warehouse", "name": "T", "type": "DATASET"}]})
    sender.send(json.dumps({"eventTime": day(since), "producer": "test", "dataset": of_view}).encode())
    found = ask(sender, "V")
    assert kinds(found) == {("declared", change)}
    assert nodes(found) == {"T": change, "V": change}
    upstream = [{"job": {"namespace": "namespace", "name": "J"}}]
    facets = {"jobDependencies": {"upstream": upstream}}
    sender.send(written("J", 1, "A", "B"), written("K", 1, "B", "C"))
    sender.send(run_event("COMPLETE", day(since), run=f"K {since}", job="K", run_facets=facets))
    assert ("depends", change) in kinds(ask(sender, "B", view="jobs"))


@pytest.mark.parametrize(("compare", "at"), [("yesterday", ""), (AFTER, BEFORE), (BEFORE, BEFORE), (LATER, "")])
def test_wrong_moments(sender: Sender, compare: str, at: str) -> None:
    sender.send(written("J", 1, "A", "T"))
    with pytest.raises(WrongParameter, match="compare"):
        ask(sender, "T", compare=compare, at=at)


def test_without_a_moment_nothing_is_compared(moved: Sender) -> None:
    asked: Any = asked_in({"node": "dataset:warehouse:T"}, [moved.connection.pk], now=NOW)
    assert {node.change for node in answer_to(asked).nodes} == {""}
