"""Nodes and edges of an answer: evidence, what else there is, and what is known of datasets and jobs."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from lineage.events.identity import dataset_id
from lineage.graph.answer import answer
from lineage.graph.found import Answer, FoundNode
from lineage.graph.question import ColumnLines, Focus, Question, View
from lineage.models import Job
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.graph.walks import run

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ask(sender: Sender, name: str, view: View = "datasets", *, columns: ColumnLines = "false", **asked: Any) -> Answer:
    focus = Focus("dataset", dataset_id("warehouse", name))
    question = Question(focus, (sender.connection.pk,), **{"depth": 10, **asked})
    return answer(question, view=view, columns=columns)


def nodes(found: Answer) -> dict[str, FoundNode]:
    return {node.name: node for node in found.nodes}


def edges(found: Answer) -> set[tuple[str, str, str, str]]:
    names = {node.key: node.name for node in found.nodes}
    return {(names[edge.source], names[edge.target], edge.kind, edge.evidence) for edge in found.edges}


def made_of(**fields: str) -> dict[str, Any]:
    """Column lineage: column → `dataset.column`."""
    sources = {name: dict(zip(("name", "field"), of.split("."), strict=True)) for name, of in fields.items()}
    return {
        "columnLineage": {
            "fields": {name: {"inputFields": [{"namespace": "warehouse", **of}]} for name, of in sources.items()}
        }
    }


def test_columns_tell_which_input_an_output_is_made_of(sender: Sender) -> None:
    sender.send(run("J", "A B", "C D", facets={"C": made_of(x="A.x"), "D": made_of(y="B.y")}))
    expected = {
        ("A", "C", "current", "columns"),
        ("B", "C", "current", "assumed"),
        ("A", "D", "current", "assumed"),
        ("B", "D", "current", "columns"),
    }
    assert edges(ask(sender, "A")) | edges(ask(sender, "B")) == expected
    [line] = [edge for edge in ask(sender, "A", columns="true").edges if edge.evidence == "columns"]
    assert [tuple(column) for column in line.columns] == [("x", "x", "DIRECT", "")]


def test_columns_are_those_of_the_schema_then_those_that_lines_name(sender: Sender) -> None:
    schema = {"schema": {"fields": [{"name": "z"}, {"name": "a", "fields": [{"name": "inner"}]}]}}
    facets = {"B": {**schema, "columnLineage": made_of(z="A.k")["columnLineage"]}}
    sender.send(run("J", "A", "B", facets=facets))
    for view in ("datasets", "jobs"):
        found = ask(sender, "A", view, columns="true")
        assert {name: node.columns for name, node in nodes(found).items() if node.columns} == {
            "A": ("k",),
            "B": ("z", "a"),
        }
        assert [edge.columns[0][:2] for edge in found.edges if edge.columns] == [("k", "z")]
    assert all(node.columns == () for node in ask(sender, "A").nodes)


def test_jobs_stand_between_datasets_if_asked_for(sender: Sender) -> None:
    sender.send(run("J", "A", "B"))
    assert edges(ask(sender, "A", "jobs")) == {("A", "J", "current", ""), ("J", "B", "current", "")}
    found = nodes(ask(sender, "A", "jobs"))
    assert (found["J"].kind, found["J"].state, found["B"].distance) == ("job", "COMPLETED", 1)


def test_a_job_that_changes_a_dataset_by_another_one(sender: Sender) -> None:
    sender.send(run("merge", "S T", "T"), run("loop", "L", "L"))
    assert edges(ask(sender, "T")) == {("S", "T", "current", "assumed")}
    assert edges(ask(sender, "L")) == {("L", "L", "current", "assumed")}


def test_a_job_that_writes_nothing_is_an_end(sender: Sender) -> None:
    sender.send(run("J", "A", "B"), run("export", "B"), run("K", "B", "C"))
    assert edges(ask(sender, "A")) == {
        ("A", "B", "current", "assumed"),
        ("B", "C", "current", "assumed"),
        ("B", "export", "current", ""),
    }


def test_what_lies_beyond_the_depth_is_counted(sender: Sender) -> None:
    sender.send(run("J", "A", "B"), *(run(f"R{n}", "B", f"out{n}") for n in range(5)), run("W", "x", "B"))
    found = nodes(ask(sender, "A", depth=1))
    assert set(found) == {"A", "B"}
    assert (found["B"].more_up, found["B"].more_down) == (1, 5)
    assert (found["A"].more_up, found["A"].more_down) == (0, 0)


def test_readers_whose_tables_are_left_out_are_no_ends(sender: Sender) -> None:
    sender.send(*(run(f"R{n}", "hub", f"out{n}") for n in range(5)), run("export", "hub"))
    found = ask(sender, "hub", limit=3)
    assert [node.name for node in found.nodes if node.kind == "job"] == ["export"]
    assert (nodes(found)["hub"].more_down, found.left_out) == (3, 3)


def test_a_failed_run_does_not_write(sender: Sender) -> None:
    sender.send(run("J", "A", "B"), run("J", "A", "B", at_minute=30, type_="FAIL"))
    found = nodes(ask(sender, "B"))["B"]
    assert (found.last_written_at, found.state) == (NOON, "FAILED")
    assert [job.name for job in found.jobs] == ["J"]


def test_rows_and_checks_of_the_latest_run(sender: Sender) -> None:
    def checked(minute: int, *results: bool) -> bytes:
        assertions = [
            {"assertion": "unique", "success": success, "column": f"c{n}"} for n, success in enumerate(results)
        ]
        facets = {"dataQualityAssertions": {"assertions": assertions}}
        reads = {"namespace": "warehouse", "name": "B", "facets": {}, "inputFacets": facets}
        return run_event("COMPLETE", at(minute * 60), run=f"t{minute}", job="test", inputs=[reads])

    written = {"namespace": "warehouse", "name": "B", "outputFacets": {"outputStatistics": {"rowCount": 41}}}
    sender.send(run_event("COMPLETE", run="w", job="J", inputs=[dataset("A")], outputs=[written]))
    sender.send(checked(1, False, False), checked(2, True, False, True))
    results = nodes(ask(sender, "B"))["B"].results
    assert (results.rows, results.failed_checks, results.checks) == (41, 1, 3)
    assert nodes(ask(sender, "A"))["A"].results.rows is None


def test_checks_of_runs_under_one_parent_count_together(sender: Sender) -> None:
    def checked(number: int, parent: int, severity: str, *, success: bool) -> bytes:
        assertion = {"assertion": f"rule {number}", "success": success, "severity": severity, "actual": "3"}
        facets = {"dataQualityAssertions": {"assertions": [assertion]}}
        above = {"run": {"runId": str(UUID(int=parent))}, "job": {"namespace": "n", "name": "dbt"}}
        reads = {"namespace": "warehouse", "name": "B", "facets": {}, "inputFacets": facets}
        of: dict[str, Any] = {"run": f"t{number}", "job": f"test {number}", "run_facets": {"parent": above}}
        return run_event("COMPLETE", at(number * 60), inputs=[reads], **of)

    sender.send(run("J", "A", "B"), checked(1, 7, "error", success=False))
    sender.send(
        *(checked(n, 8, "warn" if n == 4 else "error", success=n == 2) for n in (2, 3, 4, 5)),
        checked(6, 8, "", success=True),
    )
    results = nodes(ask(sender, "B"))["B"].results
    assert (results.failed_checks, results.checks) == (2, 5)


def test_a_dataset_that_is_only_referred_to(sender: Sender) -> None:
    source: dict[str, Any] = {"dataSource": {"name": "db", "uri": "postgres://db"}}
    inputs = [dataset("A", **source), dataset("S", schema={"fields": [{"name": "a"}]})]
    sender.send(run_event("COMPLETE", inputs=inputs, outputs=[dataset("B")]))
    found = {name: node.referenced_only for name, node in nodes(ask(sender, "B")).items()}
    assert found == {"A": True, "S": False, "B": False}


def test_a_dropped_dataset_is_shown(sender: Sender) -> None:
    dropped = {"lifecycleStateChange": {"lifecycleStateChange": "DROP"}}
    sender.send(run("J", "A", "B"), run("D", "", "B", at_minute=1, facets={"B": dropped}))
    assert nodes(ask(sender, "A"))["B"].dropped_at == NOON.replace(minute=1)
    sender.send(
        run("J", "A", "B", at_minute=2, facets={"B": {"lifecycleStateChange": {"lifecycleStateChange": "CREATE"}}})
    )
    assert nodes(ask(sender, "A"))["B"].dropped_at is None


def test_a_focus_on_a_job(sender: Sender) -> None:
    sender.send(run("I", "Z", "A"), run("J", "A", "B"), run("K", "B", "C"))
    job = Job.objects.get(name="J")
    question = Question(Focus("job", job.id, job.connection_id), (sender.connection.pk,), depth=2)
    assert edges(answer(question, view="datasets")) == {
        ("Z", "A", "current", "assumed"),
        ("A", "J", "current", ""),
        ("J", "B", "current", ""),
        ("B", "C", "current", "assumed"),
    }
