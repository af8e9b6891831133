"""Events of dbt's artifacts: pure."""

import json
from collections import Counter
from typing import Any

import pytest

from lineage.events import decode_event
from pull.sources.dbt.artifacts import Manifest, RunResults, decode
from pull.sources.dbt.events import Writer
from tests.pull.dbt.artifacts import HERE, NAMESPACE, TABLES, bodies_of, manifest, pushed, results_of

DROPPED = ("_producer", "_schemaURL")


def ends(bodies: list[bytes]) -> dict[str, Any]:
    """Job → its last event."""
    return {event["job"]["name"]: event for event in map(json.loads, bodies) if event["eventType"] != "START"}


def datasets(event: dict[str, Any], direction: str) -> list[tuple[str, str]]:
    return sorted((one["namespace"], one["name"]) for one in event[direction])


def without(facets: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facets.items() if name not in DROPPED}


def test_jobs_tables_and_tests_have_the_names_that_dbt_ol_gives_them() -> None:
    ours, theirs = ends(bodies_of("build")), ends(pushed("build"))
    # dbt-ol sends no hooks.
    assert ours.keys() - theirs.keys() == {"operation.shop.shop-on-run-end-0"}
    assert ours.keys() >= theirs.keys()
    for name, event in theirs.items():
        mine = ours[name]
        assert mine["eventType"] == event["eventType"], name
        assert mine["job"]["namespace"] == event["job"]["namespace"]
        assert datasets(mine, "inputs") == datasets(event, "inputs"), name
        # dbt-ol gives each test a table, also if dbt does not keep the rows that failed it.
        is_test = event["job"]["facets"]["jobType"].get("jobType") == "TEST"
        assert datasets(mine, "outputs") == ([] if is_test else datasets(event, "outputs")), name
        node = event["job"]["facets"].get("dbt_node", {})
        assert without(mine["job"]["facets"].get("dbt_node", {})).items() >= node.items(), name
        assert mine["job"]["facets"]["jobType"].get("jobType") == event["job"]["facets"]["jobType"].get("jobType")
        assert mine["run"]["facets"].keys() >= event["run"]["facets"].keys(), name


def test_columns_exposures_rows_and_owners_of_a_table() -> None:
    [output] = ends(bodies_of("build-default"))["model.shop.customers"]["outputs"]
    [exposure] = output["facets"]["dbt_exposures"]["exposures"]
    assert exposure["url"] == "https://bi.example.com/weekly"
    types = {field["name"]: field["type"] for field in output["facets"]["schema"]["fields"]}
    assert types == {"customer_id": "INTEGER", "total": "DOUBLE"}
    [seed] = ends(bodies_of("seed"))["seed.shop.raw_orders"]["outputs"]
    assert seed["outputFacets"]["outputStatistics"]["rowCount"] == 4
    read = manifest()
    owned = read.nodes["model.shop.orders"]
    assert read.owners_of(owned) == ["ada@example.com"]
    owned.meta = owned.config.meta = None
    assert read.owners_of(owned) == ["finance@example.com"]


def test_an_ephemeral_model_is_no_table_but_what_it_reads_is_read() -> None:
    read = manifest()
    read.nodes["model.shop.orders"].config.materialized = "ephemeral"
    bodies = list(Writer(NAMESPACE, TABLES, read).command(results_of("run"), Counter()))
    assert datasets(ends(bodies)["model.shop.customers"], "inputs") == [(TABLES, "shop.main.raw_orders")]
    assert datasets(ends(bodies)["model.shop.orders"], "outputs") == []


def test_all_can_be_decoded_and_are_the_same_each_time() -> None:
    for command in ("run", "build"):
        assert all(decode_event(body) for body in bodies_of(command))
        assert bodies_of(command) == bodies_of(command)


def test_an_unknown_status_is_a_problem_and_no_guess() -> None:
    results = results_of("seed")
    results.results[0].status = "reused"
    problems: Counter[str] = Counter()
    bodies = list(Writer(NAMESPACE, TABLES, manifest()).command(results, problems))
    assert problems == {"Unknown status reused": 1}
    jobs = [json.loads(body)["job"]["name"] for body in bodies]
    assert sorted(set(jobs)) == ["dbt-run-shop", "operation.shop.shop-on-run-end-0"]


def test_artifacts_of_older_versions() -> None:
    """Artifacts as dbt 1.3 writes them: no times of the invocation, no project name, nodes without depends_on.nodes."""
    results = json.loads((HERE / "run" / "run_results.json").read_text())
    results["metadata"] |= {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v4.json"}
    del results["metadata"]["invocation_started_at"]
    old = json.loads((HERE / "manifest.json").read_text())
    del old["metadata"]["project_name"], old["metadata"]["adapter_type"], old["groups"], old["unit_tests"]
    for node in old["nodes"].values():
        for name in ("group", "access", "attached_node"):
            node.pop(name, None)
    read = decode(json.dumps(results).encode(), RunResults, "run_results.json")
    written = Writer(NAMESPACE, TABLES, decode(json.dumps(old).encode(), Manifest, "manifest.json"))
    bodies = list(written.command(read, Counter()))
    assert len(bodies) == len(bodies_of("run"))
    assert (read.ended_at - read.started_at).total_seconds() == pytest.approx(read.elapsed_time, abs=1e-5)
    assert json.loads(bodies[0])["job"]["name"] == "dbt-run-shop"
