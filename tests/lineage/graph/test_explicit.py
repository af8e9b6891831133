"""Lineage that senders state in the facet `lineage`: it takes the place of what is derived from inputs and outputs."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from lineage.events.effects import DATA, EXPLICIT, IMPLIED
from lineage.models import Dataset, Edge
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.graph.test_answer import ask, edges, made_of, nodes
from tests.lineage.graph.walks import graph_of as walked
from tests.lineage.graph.walks import lines, orders, run
from tests.lineage.state import projection

pytestmark = pytest.mark.django_db


def named(text: str, **more: Any) -> dict[str, Any]:
    """A source or a target: `dataset`, or `dataset.column`."""
    name, _, field = text.partition(".")
    found = {"namespace": "warehouse", "name": name, "type": "DATASET", **more}
    return {**found, "field": field} if field else found


def entry(target: str, *sources: str, **fields: str) -> dict[str, Any]:
    """`fields`: column of the target → column of a source."""
    columns = {name: {"inputs": [named(of)]} for name, of in fields.items()}
    return named(target, inputs=[named(one) for one in sources], **({"fields": columns} if columns else {}))


def bulk(*entries: dict[str, Any], minute: float = 0, **fields: Any) -> bytes:
    """Make an event of a run that reads A and B and writes C and D."""
    return run("J", "A B", "C D", at_minute=minute, job_facets={"lineage": {"entries": list(entries)}}, **fields)


def test_lines_and_walks_follow_what_is_stated(sender: Sender) -> None:
    sender.send(bulk(entry("C", "A"), entry("D", "B")), run("K", "C", "E"), run("L", "D", "F"))
    assert edges(ask(sender, "A")) == {("A", "C", "current", "explicit"), ("C", "E", "current", "assumed")}
    assert edges(ask(sender, "F")) == {("B", "D", "current", "explicit"), ("D", "F", "current", "assumed")}
    # The jobs between datasets lead to what is stated, too.
    assert lines(walked(sender, "A")) == {"A>J", "J>C", "C>K", "K>E"}
    assert lines(walked(sender, "D", direction="up")) == {"J>D", "B>J"}


@pytest.mark.parametrize(
    "facets",
    [
        {"run_facets": {"lineage": {"lineage": [entry("C", "A"), entry("D", "B")]}}},
        {"job_facets": {"lineage": {"lineage": [entry("C", "A"), entry("D", "B")]}}},
        {
            "outputs": [
                dataset(target, lineage={"inputs": [named(source)]}) for target, source in (("C", "A"), ("D", "B"))
            ]
        },
    ],
    ids=["run", "job", "outputs"],
)
def test_all_forms_of_the_facet_say_one_thing(sender: Sender, facets: dict[str, Any]) -> None:
    written = facets.pop("outputs", None) or [dataset("C"), dataset("D")]
    sender.send(run_event("COMPLETE", inputs=[dataset("A"), dataset("B")], outputs=written, **facets))
    assert edges(ask(sender, "A")) == {("A", "C", "current", "explicit")}
    assert edges(ask(sender, "B")) == {("B", "D", "current", "explicit")}


def test_an_output_without_an_entry_or_sources_is_made_of_no_input(sender: Sender) -> None:
    sender.send(bulk(entry("C"), minute=0), run("K", "A", "D", at_minute=1))
    assert edges(ask(sender, "C")) == set()
    assert edges(ask(sender, "D")) == {("A", "D", "current", "assumed")}
    assert nodes(ask(sender, "C"))["C"].jobs[0].name == "J"


def test_datasets_that_only_the_facet_names_are_implied(sender: Sender) -> None:
    own = {"type": "JOB", "inputs": [named("config")]}
    sender.send(run("J", "A", "C", job_facets={"lineage": {"entries": [entry("C", "X"), entry("hidden", "A"), own]}}))
    assert edges(ask(sender, "X")) == {("X", "C", "implied", "explicit")}
    assert edges(ask(sender, "A")) == {("A", "hidden", "implied", "explicit")}
    names = dict(Dataset.objects.values_list("id", "name"))
    found = {(one.direction, names[one.dataset_id]): one.effects for one in Edge.objects.all()}
    assert found == {
        ("READS", "A"): DATA,
        ("WRITES", "C"): DATA | EXPLICIT,
        ("WRITES", "hidden"): IMPLIED | EXPLICIT,
        **dict.fromkeys([("READS", "X"), ("READS", "config")], IMPLIED),
    }


def test_columns_that_are_stated_take_the_place_of_others(sender: Sender) -> None:
    """The facet keeps the columns of `columnLineage` whose dataset it names, if it names no columns."""
    facets = {"C": made_of(x="A.x", y="B.y"), "D": made_of(x="A.x", y="B.y")}
    sender.send(bulk(entry("C", "A", z="A.w"), entry("D", "B"), facets=facets))
    [to_c] = ask(sender, "A", columns="true").edges
    [to_d] = ask(sender, "B", columns="true").edges
    assert [tuple(one) for one in to_c.columns] == [("w", "z", "DIRECT", "")]
    assert [tuple(one) for one in to_d.columns] == [("y", "y", "DIRECT", "")]


def test_a_column_of_a_whole_dataset_is_indirect_and_a_merge_may_name_its_target(sender: Sender) -> None:
    sender.send(run("M", "S T", "T", job_facets={"lineage": {"entries": [entry("T", "S.key", "T", x="S.x")]}}))
    found = ask(sender, "T", columns="true")
    assert edges(found) == {("S", "T", "current", "explicit"), ("T", "T", "current", "explicit")}
    assert [tuple(one) for edge in found.edges for one in edge.columns] == [("x", "x", "DIRECT", "")]


def test_the_latest_statement_counts_in_any_order_and_at_its_time(sender: Sender) -> None:
    first, later = bulk(entry("C", "A"), entry("D", "B")), bulk(entry("C", "B"), entry("D", "B"), minute=90)
    expected = None
    for events in orders([first, later, bulk(entry("C", "B"), minute=91, type_="START"), run("J", at_minute=92)]):
        other = make_sender()
        other.send(*events)
        assert edges(ask(other, "C")) == {("B", "C", "current", "explicit")}
        expected = expected or projection(other.connection.id)
        assert projection(other.connection.id) == expected
    sender.send(first, later)
    assert lines(walked(sender, "A", then=None)) == {"A>J"}


def test_a_job_event_declares_it(sender: Sender) -> None:
    event = json.loads(bulk(entry("C", "A"), entry("D", "B")))
    del event["run"], event["eventType"]
    sender.send(json.dumps(event).encode())
    assert edges(ask(sender, "A")) == {("A", "C", "declared", "explicit")}


def test_the_setting_goes_back_to_what_is_derived(sender: Sender, settings: Settings) -> None:
    sender.send(bulk(entry("C", "A"), entry("D", "B")))
    settings.EXPLICIT_LINEAGE = False
    assert edges(ask(sender, "A")) == {("A", "C", "current", "assumed"), ("A", "D", "current", "assumed")}


@pytest.mark.parametrize(
    "facet", [{}, {"entries": None}, {"entries": 3}, {"entries": [entry("C", "A")], "_deleted": True}]
)
def test_a_facet_that_cannot_be_read_states_nothing(sender: Sender, facet: dict[str, Any]) -> None:
    sender.send(run("J", "A", "C", job_facets={"lineage": facet}))
    assert edges(ask(sender, "A")) == {("A", "C", "current", "assumed")}


def derived(target: str, *sources: str, hour: int = 0) -> bytes:
    """An event about a dataset itself, such as a view."""
    columns = {"x": {"inputs": [named(f"{name}.x") for name in sources]}}
    facet = {"inputs": [named(name) for name in sources], "fields": columns}
    return json.dumps({"eventTime": at(hour * 3600), "dataset": dataset(target, lineage=facet)}).encode()


def test_a_dataset_is_derived_without_a_job(sender: Sender, settings: Settings) -> None:
    sender.send(run("J", "S", "T"), derived("V", "T"), derived("W", "V"))
    to_v, to_w = ("T", "V", "declared", "explicit"), ("V", "W", "declared", "explicit")
    expected = {("S", "T", "current", "assumed"), to_v, to_w}
    assert edges(ask(sender, "S")) == edges(ask(sender, "W")) == expected
    assert edges(ask(sender, "S", depth=2)) == expected - {to_w}
    [columns, _] = [edge.columns for edge in ask(sender, "V", columns="true").edges if edge.kind == "declared"]
    assert [tuple(one) for one in columns] == [("x", "x", "DIRECT", "")]
    settings.EXPLICIT_LINEAGE = False
    assert edges(ask(sender, "S")) == {("S", "T", "current", "assumed")}


def test_the_latest_event_says_of_what_a_dataset_is_derived() -> None:
    events, expected = [derived("V", "T", "U"), derived("V", "U", hour=2), derived("V", "U")], None
    for order in orders(events):
        sender = make_sender()
        sender.send(*order)
        assert edges(ask(sender, "V")) == {("U", "V", "declared", "explicit")}
        assert nodes(ask(sender, "T")).keys() == {"T"}
        expected = expected or projection(sender.connection.id)
        assert projection(sender.connection.id) == expected
