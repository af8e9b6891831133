"""Rows of all that events say of datasets: facts, other names, changes, counts and results of assertions."""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from lineage.events.effects import DATA, DROP, IMPLIED, RENAME
from lineage.events.identity import base_id, dataset_id, match_id
from lineage.models import Alias, Change, Check, Content, Dataset, Edge, Fact, Job, Measure, Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.state import projection

pytestmark = pytest.mark.django_db

SCHEMA = {"_producer": "a", "fields": [{"name": "id", "type": "int"}, {"name": "day", "type": "date"}]}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def source(field: str, name: str = "orders", **transformation: str) -> dict[str, Any]:
    found = {"namespace": "warehouse", "name": name, "field": field}
    return found | ({"transformations": [transformation]} if transformation else {})


def columns(fields: dict[str, list[dict[str, Any]]], of_all: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    facet: dict[str, Any] = {"fields": {name: {"inputFields": sources} for name, sources in fields.items()}}
    return facet | ({"dataset": of_all} if of_all else {})


def using(name: str, facets: dict[str, Any], **of_use: dict[str, Any]) -> dict[str, Any]:
    [(kind, use)] = of_use.items()
    return {"namespace": "warehouse", "name": name, "facets": facets, kind: use}


def effects(sender: Sender) -> dict[tuple[str, str], int]:
    names = dict(Dataset.objects.of(sender.connection).values_list("id", "name"))
    edges = Edge.objects.of(sender.connection)
    return {(edge.direction, names[edge.dataset_id]): edge.effects for edge in edges}


def test_a_schema_that_comes_again_is_one_content_whoever_sends_it(sender: Sender) -> None:
    other = {"_schemaURL": "b", "fields": [{"type": "int", "name": "id"}, {"type": "date", "name": "day", "x": 1}]}
    for number, facet in enumerate([SCHEMA, other] * 20):
        run, time = str(UUID(int=number)), at(number * 60)
        sender.send(run_event("COMPLETE", time, run=run, outputs=[dataset("orders", schema=facet)]))
    [content], [fact] = Content.objects.all(), Fact.objects.all()
    assert json.loads(content.body)["fields"] == [{"name": "id", "type": "int"}, {"name": "day", "type": "date"}]
    assert (fact.subject_id, fact.content_id) == (dataset_id("warehouse", "orders"), content.id)
    assert (fact.kind, fact.side, fact.first_at, fact.last_hour) == ("schema", "WRITES", NOON, NOON)


def test_what_was_deleted_has_an_empty_content(sender: Sender) -> None:
    sender.send(run_event(outputs=[dataset("orders", ownership={"owners": [{"name": "ada"}]})]))
    sender.send(run_event(time=at(3600), outputs=[dataset("orders", ownership={"_deleted": True})]))
    bodies = dict(Content.objects.values_list("id", "body"))
    facts = Fact.objects.order_by("last_hour").values_list("content_id", flat=True)
    assert [bodies[id_] for id_ in facts] == ['{"owners":[{"name":"ada"}]}', ""]


def test_the_forms_of_a_filter_on_all_columns_are_one_content(sender: Sender) -> None:
    """A MERGE reads its own target. Its filter comes in each column, then once for all."""
    a, b = source("a", type="DIRECT", subtype="IDENTITY"), source("b", type="DIRECT", subtype="IDENTITY")
    key = source("key", type="INDIRECT", subtype="FILTER")
    reads = [dataset("orders"), dataset("copy")]
    per_column = dataset("copy", columnLineage=columns({"a": [a, key], "b": [key, b]}))
    for_all = dataset("copy", columnLineage=columns({"b": [b], "a": [a]}, [key]))
    for time, output in ((0, per_column), (1, for_all)):
        sender.send(run_event("COMPLETE", at(time), inputs=reads, outputs=[output]))
    [content], [fact] = Content.objects.all(), Fact.objects.all()
    assert json.loads(content.body) == {
        "dataset": [["warehouse", "orders", "key", "INDIRECT", "FILTER"]],
        "fields": {name: [["warehouse", "orders", name, "DIRECT", "IDENTITY"]] for name in "ab"},
    }
    assert (fact.kind, fact.side) == ("columns", "WRITES")
    assert fact.subject_id == Edge.objects.get(direction="WRITES").id


def test_a_column_without_transformations_is_direct(sender: Sender) -> None:
    sender.send(
        run_event(inputs=[dataset("orders")], outputs=[dataset("o", columnLineage=columns({"x": [source("a")]}))])
    )
    assert json.loads(Content.objects.get().body)["fields"] == {"x": [["warehouse", "orders", "a", "DIRECT", ""]]}


def test_a_source_that_is_no_input_is_read(sender: Sender) -> None:
    named = columns({"x": [source("a"), source("b", "lake/part/file"), source("c", "unnamed")]})
    inputs = [dataset("orders"), dataset("lake/part/")]
    for run in (1, 2):
        sender.send(run_event(run=str(UUID(int=run)), inputs=inputs, outputs=[dataset("o", columnLineage=named)]))
    assert effects(sender) == {
        **dict.fromkeys([("READS", "orders"), ("READS", "lake/part/"), ("WRITES", "o")], DATA),
        ("READS", "unnamed"): IMPLIED,
    }
    assert [len(run.edge_ids) for run in Run.objects.all()] == [4, 4]


def test_changes_of_a_datasets_life(sender: Sender) -> None:
    before = {"namespace": "warehouse", "name": "old"}
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": before}
    sender.send(run_event(outputs=[dataset("new", lifecycleStateChange=renamed)]))
    sender.send(run_event(outputs=[dataset("gone", lifecycleStateChange={"lifecycleStateChange": "drop"})]))
    sender.send(run_event(outputs=[dataset("made", lifecycleStateChange={"lifecycleStateChange": "CREATE"})]))
    assert effects(sender) == {("WRITES", "new"): RENAME, ("WRITES", "gone"): DROP, ("WRITES", "made"): DATA}
    found = {(one.change, one.dataset_id, one.previous_id) for one in Change.objects.all()}
    assert found == {
        ("RENAME", dataset_id("warehouse", "new"), dataset_id("warehouse", "old")),
        ("DROP", dataset_id("warehouse", "gone"), None),
        ("CREATE", dataset_id("warehouse", "made"), None),
    }
    assert Dataset.objects.filter(name="old").exists()


def test_other_names_are_datasets_of_their_own(sender: Sender) -> None:
    name = {"namespace": "hive", "name": "default.orders", "type": "TABLE"}
    for seconds in (0, 7200):
        sender.send(
            run_event(time=at(seconds), inputs=[dataset("/wh/orders", "hdfs", symlinks={"identifiers": [name]})])
        )
    [alias] = Alias.objects.all()
    assert (alias.dataset_id, alias.alias_id) == (
        dataset_id("hdfs", "/wh/orders"),
        dataset_id("hive", "default.orders"),
    )
    assert (alias.kind, alias.first_event_hour, alias.last_event_hour) == ("TABLE", NOON, NOON.replace(hour=14))
    assert Dataset.objects.filter(namespace="hive").exists()


@pytest.mark.parametrize(
    ("facets", "use", "counts"),
    [
        ({}, {"outputFacets": {"outputStatistics": {"rowCount": 5, "size": 70, "fileCount": 2}}}, (5, 70, 2, "")),
        (
            {"version": {"datasetVersion": "v3"}},
            {"outputFacets": {"outputStatistics": {"rowCount": 5}}},
            (5, None, None, "v3"),
        ),
        ({}, {"outputFacets": {"outputStatistics": {"rowCount": -1, "size": 4}}}, (None, 4, None, "")),
        ({"version": {"datasetVersion": 7}}, {"outputFacets": {}}, (None, None, None, "7")),
    ],
)
def test_what_a_run_counts(sender: Sender, facets: Any, use: Any, counts: Any) -> None:
    sender.send(run_event("COMPLETE", outputs=[using("orders", facets, **use)]))
    [measure], [run] = Measure.objects.all(), Run.objects.all()
    assert (measure.run_id, measure.direction) == (run.id, "WRITES")
    assert (measure.row_count, measure.byte_count, measure.file_count, measure.version) == counts


def test_what_it_counts_last_wins_in_any_order() -> None:
    rows = [(0, 5), (9, 3), (9, 4)]
    events = [
        run_event("RUNNING", at(time), inputs=[using("o", {}, inputFacets={"dataQualityMetrics": {"rowCount": count}})])
        for time, count in rows
    ]
    for order in permutations(events):
        sender = make_sender()
        for event in order:
            sender.send(event)
        assert [(m.row_count, m.direction) for m in Measure.objects.of(sender.connection)] == [(4, "READS")]


def test_results_of_assertions(sender: Sender) -> None:
    assertions = [
        {"assertion": "not_null", "success": True, "column": "id"},
        {"assertion": "range", "success": False, "column": "id", "expected": "1", "actual": "2" * 500},
        {"assertion": "range", "success": True, "column": "id"},
    ]
    facets = {"dataQualityAssertions": {"assertions": assertions}}
    for _ in range(2):
        sender.send(run_event("COMPLETE", inputs=[using("orders", {}, inputFacets=facets)]))
    found = Check.objects.order_by("assertion", "failed").values_list(
        "column_name", "assertion", "failed", "has_result"
    )
    assert list(found) == [
        ("id", "not_null", False, True),
        ("id", "range", False, True),
        ("id", "range", True, True),
    ]
    assert set(Check.objects.values_list("dataset_id", flat=True)) == {dataset_id("warehouse", "orders")}
    assert max(map(len, Check.objects.values_list("actual", flat=True))) == 200


def test_a_job_event_declares_its_edges(sender: Sender) -> None:
    fields = {"job": {"namespace": "n", "name": "j"}, "producer": "https://example.com"}
    for seconds in (60, 0):
        event = {"eventTime": at(seconds), **fields, "inputs": [dataset("a")], "outputs": []}
        sender.send(json.dumps(event).encode())
    [edge], [job] = Edge.objects.all(), Job.objects.all()
    assert edge.declared_at == job.declared_at == NOON.replace(minute=1)
    sender.send(run_event(job="j", namespace="n", inputs=[dataset("a")], outputs=[dataset("b")]))
    assert Edge.objects.get(direction="WRITES").declared_at is None


def test_a_dataset_event_says_what_no_run_says(sender: Sender) -> None:
    event = {"eventTime": at(0), "producer": "https://example.com", "dataset": dataset("orders", schema=SCHEMA)}
    sender.send(json.dumps(event).encode())
    [fact] = Fact.objects.all()
    assert (fact.kind, fact.side) == ("schema", "DATASET")
    assert not Measure.objects.exists()


def test_runs_that_say_the_same_add_nothing_but_runs(sender: Sender) -> None:
    def send(first: int) -> None:
        output = using("orders", {"schema": SCHEMA}, outputFacets={"outputStatistics": {"rowCount": 5}})
        sender.send(
            *(run_event("COMPLETE", at(n), run=str(UUID(int=n)), outputs=[output]) for n in range(first, first + 50))
        )

    send(0)
    before = projection(sender.connection.id)
    send(50)
    after = projection(sender.connection.id)
    same = [name for name in before if before[name] == after[name]]
    assert same == [
        "Dataset",
        "Edge",
        "Content",
        "Fact",
        "Alias",
        "Change",
        "Check",
        "Relation",
        "Extraction",
        "Activity",
    ]
    assert len(after["Measure"]) == 100


def test_a_bad_facet_leaves_the_others(sender: Sender) -> None:
    broken = {
        "schema": 7,
        "symlinks": [1],
        "columnLineage": {"fields": [1]},
        "version": [],
        "lifecycleStateChange": "x",
    }
    facets = {**broken, "documentation": {"description": "Orders."}}
    sender.send(run_event(outputs=[using("orders", facets, outputFacets={"outputStatistics": "many"})]))
    assert [json.loads(body) for body in Content.objects.values_list("body", flat=True)] == [{"description": "Orders."}]
    assert not Alias.objects.exists()
    assert not Change.objects.exists()
    assert not Measure.objects.exists()


def test_names_that_differ_in_what_senders_write_differently() -> None:
    assert match_id("postgres://DB:5432", 'Shop."Public".Orders') == match_id("postgres://db", "shop.public.orders")
    assert match_id("postgres://db:5433", "t") != match_id("postgres://db", "t")
    assert match_id("s3://bucket/", "t") == match_id("s3://bucket", "t")


def test_partitions_have_one_base() -> None:
    assert base_id("s3://b", "lake/orders/day=1/hour=2") == dataset_id("s3://b", "lake/orders")
    assert base_id("s3://b", "lake/orders") == dataset_id("s3://b", "lake/orders")
    assert base_id("s3://b", "/day=1") == dataset_id("s3://b", "/day=1")
