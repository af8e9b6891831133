"""Order of the tasks in a DAG run's facets, and explanations for tasks that sent nothing."""

from typing import Any

import pytest

from lineage.events.contents import RunContents
from lineage.events.senders.airflow.task_graph import task_graph, why_silent
from lineage.events.senders.task_graph import upstream_tasks


def facets(**following: list[Any]) -> dict[str, Any]:
    return {"airflow": {"tasks": {task: {"downstream_task_ids": others} for task, others in following.items()}}}


CHAIN = task_graph(facets(extract=["load", "check"], load=["publish"], check=[], publish=["notify"]))


def test_near_and_far() -> None:
    assert CHAIN["publish"] == {"load"}
    assert upstream_tasks("notify", CHAIN) == {"publish", "load", "extract"}
    assert upstream_tasks("extract", CHAIN) == set()
    assert upstream_tasks("nobody", CHAIN) == set()


def test_a_circle_ends() -> None:
    assert upstream_tasks("a", task_graph(facets(a=["b"], b=["a"]))) == {"b"}


@pytest.mark.parametrize(
    "broken",
    [{}, {"airflow": 5}, {"airflow": {"tasks": []}}, {"airflow": {"tasks": {"a": None}}}, facets(a=[1, None, {}])],
)
def test_what_is_not_as_the_provider_sends_it_is_absent(broken: dict[str, Any]) -> None:
    assert task_graph(broken) == {}


@pytest.mark.parametrize(
    ("task", "states", "why"),
    [
        ("notify", {"notify": "upstream_failed", "extract": "failed"}, "never ran: extract failed before it"),
        ("notify", {"notify": "upstream_failed", "check": "failed"}, "never ran: what it depends on failed"),
        ("publish", {"publish": "skipped", "load": "skipped"}, "follows load, skipped too"),
        ("publish", {"publish": "skipped", "load": "success"}, "skipped by Airflow: a branch or a condition went"),
        ("publish", {"publish": "success"}, "sent no events, as Airflow's empty operators do"),
        ("publish", {"publish": "failed"}, "sent no events; its state is what the DAG run's end says"),
        ("publish", {}, "sent no events; its state is what the DAG run's end says"),
    ],
)
def test_why_a_task_sent_nothing(task: str, states: dict[str, str], why: str) -> None:
    assert why_silent(task, RunContents(task_states=states), CHAIN).startswith(why)


@pytest.mark.parametrize(
    ("without", "states", "is_certain"),
    [
        ({"publish"}, {"extract": "success", "load": "success"}, True),
        # What comes before something else is no matter.
        ({"publish"}, {"load": "success", "check": "failed"}, True),
        # It may have been another one that was.
        ({"publish", "check"}, {"load": "success"}, False),
        ({"publish"}, {"load": "failed"}, False),
        ({"publish"}, {}, False),
    ],
)
def test_a_task_that_was_mapped_over_nothing(without: set[str], states: dict[str, str], is_certain: bool) -> None:
    why = "skipped by Airflow: it was mapped over nothing"
    contents = RunContents(task_states=states, tasks_without_state=frozenset(without))
    assert why_silent("publish", contents, CHAIN) == (why if is_certain else f"{why}, or its trigger rule left it out")


def test_without_the_order_of_tasks_all_others_must_have_succeeded() -> None:
    for state, is_certain in (("success", True), ("skipped", False)):
        contents = RunContents(task_states={"list": state}, tasks_without_state=frozenset({"load"}))
        assert ("trigger rule" not in why_silent("load", contents, {})) == is_certain


def test_only_the_first_of_many_are_named() -> None:
    graph = task_graph(facets(**{f"load_{n}": ["publish"] for n in range(9)}))
    states = {"publish": "upstream_failed", **{f"load_{n}": "failed" for n in range(9)}}
    assert (
        why_silent("publish", RunContents(task_states=states), graph)
        == "never ran: load_0, load_1, load_2 and others failed before it"
    )
