"""Partitions of a dataset are one node; names that are perhaps one table are a hint."""

import random
from typing import Any

import pytest
from django.utils import timezone

from lineage.events.identity import dataset_id
from lineage.graph.answer import answer
from lineage.graph.asked import asked_in
from lineage.graph.compare import answer_to
from lineage.graph.found import Answer
from lineage.graph.question import Focus, Question
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.graph.walks import run

pytestmark = pytest.mark.django_db


def ask(sender: Sender, name: str, namespace: str = "warehouse", **asked: Any) -> Answer:
    focus = Focus("dataset", dataset_id(namespace, name))
    return answer(Question(focus, (sender.connection.pk,), **{"depth": 10, **asked}), view="datasets")


def lines(found: Answer) -> set[tuple[str, str, str]]:
    names = {node.key: node.title for node in found.nodes}
    return {(names[edge.source], names[edge.target], edge.kind) for edge in found.edges}


def partitions(days: int) -> list[bytes]:
    """Each day a job writes a partition, and another one reads it."""
    load = [run("load", "raw", f"orders/day={day:02}", at_minute=2 * day) for day in range(days)]
    sum_ = [run("sum", f"orders/day={day:02}", "totals", at_minute=2 * day + 1) for day in range(days)]
    return load + sum_


def test_partitions_are_one_node(sender: Sender) -> None:
    events = partitions(31)
    random.Random(1).shuffle(events)
    sender.send(*events)
    expected = {("raw", "orders (31 partitions)", "current"), ("orders (31 partitions)", "totals", "current")}
    for name in ("raw", "orders/day=07", "orders/day=30", "totals"):
        assert lines(ask(sender, name)) == expected, name
    found = ask(sender, "orders/day=07")
    assert found.focus
    assert (found.focus.name, found.focus.partitions, found.focus.aliases) == ("orders", 31, ())
    assert found.focus.id == dataset_id("warehouse", "orders")
    assert (found.focus.more_up, found.focus.more_down) == (0, 0)
    assert found.focus.last_written_at
    assert found.focus.last_written_at.hour == 13


def test_what_lies_beyond_a_stack_is_counted_once(sender: Sender) -> None:
    sender.send(*partitions(5), run("other", "orders/day=01 orders/day=02", "sums"))
    [stack] = [node for node in ask(sender, "raw", depth=1).nodes if node.partitions]
    assert (stack.more_up, stack.more_down) == (0, 2)
    shown = ask(sender, "raw", depth=1, expand=frozenset({str(stack.id)}))
    assert {node.name for node in shown.nodes} == {"raw", "orders", "totals", "sums"}


def test_a_stack_is_asked_for_by_its_base(sender: Sender) -> None:
    sender.send(*partitions(2))
    asked = asked_in({"node": "dataset:warehouse:orders"}, [sender.connection.pk], now=timezone.now())
    assert asked
    assert ("orders (2 partitions)", "totals", "current") in lines(answer_to(asked))
    assert asked_in({"node": "dataset:warehouse:nothing"}, [sender.connection.pk], now=timezone.now()) is None


def test_a_single_partition_keeps_its_name(sender: Sender) -> None:
    sender.send(*partitions(1))
    assert lines(ask(sender, "raw")) == {
        ("raw", "orders/day=00", "current"),
        ("orders/day=00", "totals", "current"),
    }


def test_partitions_of_a_table_are_the_table(sender: Sender) -> None:
    table = {"identifiers": [{"namespace": "hive", "name": "db.t", "type": "TABLE"}]}
    for day in (1, 2):
        part = dataset(f"/t/day={day}", "hdfs", symlinks=table)
        sender.send(run_event("COMPLETE", at(day), run=f"r{day}", job="J", inputs=[dataset("A")], outputs=[part]))
    assert lines(ask(sender, "A")) == {("A", "db.t", "current")}


def test_names_that_may_mean_one_table_are_a_hint(sender: Sender) -> None:
    one, other = dataset("db.orders", "postgres://h:5432"), dataset("db.Orders", "postgres://h")
    sender.send(run_event("COMPLETE", run="1", job="J", outputs=[one]))
    sender.send(run_event("COMPLETE", run="2", job="K", inputs=[other]))
    for (name, namespace), (other_name, other_namespace) in (
        (("db.orders", "postgres://h:5432"), ("db.Orders", "postgres://h")),
        (("db.Orders", "postgres://h"), ("db.orders", "postgres://h:5432")),
    ):
        focus = ask(sender, name, namespace).focus
        assert focus
        assert [one[1:] for one in focus.similar] == [(other_namespace, other_name)]
