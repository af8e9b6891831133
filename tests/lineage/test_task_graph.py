"""What a DAG run's facets say of the order of its tasks, and of those that sent nothing."""

from typing import Any

import pytest

from lineage.task_graph import came_before, task_graph, why_silent


def facets(**following: list[Any]) -> dict[str, Any]:
    return {"airflow": {"tasks": {task: {"downstream_task_ids": others} for task, others in following.items()}}}


CHAIN = task_graph(facets(extract=["load", "check"], load=["publish"], check=[], publish=["notify"]))


def test_near_and_far() -> None:
    assert CHAIN["publish"] == {"load"}
    assert came_before("notify", CHAIN) == {"publish", "load", "extract"}
    assert came_before("extract", CHAIN) == set()
    assert came_before("nobody", CHAIN) == set()


def test_a_circle_ends() -> None:
    assert came_before("a", task_graph(facets(a=["b"], b=["a"]))) == {"b"}


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
    assert why_silent(task, states, CHAIN).startswith(why)


def test_only_the_first_of_many_are_named() -> None:
    graph = task_graph(facets(**{f"load_{n}": ["publish"] for n in range(9)}))
    states = {"publish": "upstream_failed", **{f"load_{n}": "failed" for n in range(9)}}
    assert why_silent("publish", states, graph) == "never ran: load_0, load_1, load_2 and others failed before it"
