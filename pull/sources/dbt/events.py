"""OpenLineage events of dbt's artifacts, in the dialect that dbt-ol speaks with `--consume-structured-logs`. Pure.

So skipped nodes, tests and invocations are understood as in what dbt-ol sends itself, and a node that comes both ways
is shown once: both have the invocation and the job in common (docs/decisions/0014, 0017).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from pull.documents import Author, without_none
from pull.sources.dbt.artifacts import Catalog, Manifest, Node, Result, RunResults, as_utc
from pull.sources.dbt.tables import Dataset, Tables
from pull.sources.fetched import DescribedJob

ENDS: Final = {
    **dict.fromkeys(("success", "pass", "warn", "no-op"), "COMPLETE"),
    **dict.fromkeys(("error", "fail", "runtime error", "partial success"), "FAIL"),
    "skipped": "ABORT",
}
# Resource type → type of the job. Others have none, as from dbt-ol.
_JOB_TYPES: Final = {"model": "MODEL", "test": "TEST", "snapshot": "SNAPSHOT", "seed": "SEED"}
_UNIT_TEST: Final = "unit_test"
# Nothing runs for it: it is a use of models outside of dbt.
_EXPOSURE: Final = "exposure"
_DESCRIBED: Final = ("model", "snapshot", "seed")
# Of the run ids of nodes.
_IDS: Final = UUID("745e74c9-839f-5ff7-91ae-c47c02208301")
Facets = dict[str, Mapping[str, Any]]


class Writer:
    """Writes the events of one project. `namespace`: of its jobs. `tables`: namespace of its tables."""

    def __init__(self, namespace: str, tables: str, manifest: Manifest, catalog: Catalog | None = None) -> None:
        self._author = Author("dbt", namespace)
        self._manifest = manifest
        self._tables = Tables(self._author, tables, manifest, catalog)

    def command(self, results: RunResults, problems: Counter[str]) -> Iterator[bytes]:
        """Events of a command and of its nodes. Adds to `problems` what was left out."""
        job = command_job(self._manifest.project)
        facets = self._facets_of_run(results)
        job_facets = {"jobType": _job_type("JOB")}
        run_id = results.metadata.invocation_id
        yield self._author.run_event("START", results.started_at, run_id, job, run_facets=facets, job_facets=job_facets)
        for result in results.results:
            if result.kind == _EXPOSURE:
                continue
            if result.status not in ENDS:
                problems[f"Unknown status {result.status}"] += 1
                continue
            if self._manifest.find(result.unique_id) is None:
                problems["A result of a node that manifest.json lacks: its tables are unknown"] += 1
            yield from self._node(results, result)
        end = command_end(results)
        if end == "FAIL":
            facets["errorMessage"] = _error(f"Command `dbt {results.args.which}` failed: {_count_of_failures(results)}")
        yield self._author.run_event(end, results.ended_at, run_id, job, run_facets=facets, job_facets=job_facets)

    def described(self) -> Iterator[DescribedJob]:
        """Describe the models, seeds and snapshots."""
        at = as_utc(self._manifest.metadata.generated_at)
        for node in self._manifest.nodes.values():
            if node.resource_type in _DESCRIBED and node.has_table:
                facets: Facets = {
                    **_facets_of_job(node.unique_id, node),
                    "ownership": {"owners": [{"name": name} for name in self._manifest.owners_of(node)]},
                    "tags": {"tags": [{"key": tag, "value": "true", "source": "DBT"} for tag in node.tags or ()]},
                    "documentation": {"description": node.description or ""},
                }
                text = msgspec.json.encode([node.unique_id, facets], order="sorted")
                fingerprint = UUID(bytes=blake2b(text, digest_size=16).digest())
                yield DescribedJob(node.unique_id, fingerprint, self._author.job_event(at, node.unique_id, facets))

    def _node(self, results: RunResults, result: Result) -> Iterator[bytes]:
        """Events of a node: its start, and its end."""
        node, end = self._manifest.find(result.unique_id), ENDS[result.status]
        facets: Facets = {
            **self._facets_of_run(results),
            "parent": self._author.parent(results.metadata.invocation_id, command_job(self._manifest.project)),
        }
        job_facets = _facets_of_job(result.unique_id, node)
        run_id = run_id_of(results.metadata.invocation_id, result.unique_id)
        started_at, ended_at = result.times(results.ended_at)
        inputs, outputs = (self._tables.read_by(node), self._tables.written_by(node)) if node else ([], [])
        named = (run_id, result.unique_id)
        yield self._author.run_event(
            "START", started_at, *named, run_facets=facets, job_facets=job_facets, inputs=inputs, outputs=outputs
        )
        if end == "FAIL" and result.message:
            facets["errorMessage"] = _error(result.message)
        if result.kind == "test" and node and node.test_metadata is None:
            facets["test"] = {"tests": [_query_test(result, node)]}
        inputs, outputs = self._datasets_at_end(result, node) if node else ([], [])
        yield self._author.run_event(
            end, ended_at, *named, run_facets=facets, job_facets=job_facets, inputs=inputs, outputs=outputs
        )

    def _datasets_at_end(self, result: Result, node: Node) -> tuple[list[Dataset], list[Dataset]]:
        has_succeeded = ENDS[result.status] == "COMPLETE"
        if result.kind == "test":
            return self._tables.tested_by(node, _assertion(result, node)), self._tables.written_by(node)
        response = result.adapter_response if has_succeeded else None
        return (
            self._tables.read_by(node, has_succeeded=has_succeeded),
            self._tables.written_by(node, has_succeeded=has_succeeded, response=response),
        )

    def _facets_of_run(self, results: RunResults) -> Facets:
        invocation = {
            "invocation_id": results.metadata.invocation_id,
            "project_name": self._manifest.project,
            "dbt_runtime": "core",
            "full_refresh": results.args.full_refresh,
        }
        facets: Facets = {"dbt_run": without_none(invocation)}
        if results.metadata.dbt_version:
            facets["processing_engine"] = {"name": "dbt", "version": results.metadata.dbt_version}
        return facets


def command_job(project: str) -> str:
    return f"dbt-run-{project}"


def command_end(results: RunResults) -> str:
    """Return the type of a command's last event, by dbt's own rule: it fails if a node failed or was skipped."""
    bad = any(ENDS.get(one.status) in ("FAIL", "ABORT") and one.kind != _EXPOSURE for one in results.results)
    return "FAIL" if bad else "COMPLETE"


def run_id_of(invocation_id: str, unique_id: str) -> UUID:
    return uuid5(_IDS, f"{invocation_id}/{unique_id}")


def _count_of_failures(results: RunResults) -> str:
    counts = Counter(one.status for one in results.results if ENDS.get(one.status) in ("FAIL", "ABORT"))
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))


def _facets_of_job(unique_id: str, node: Node | None) -> Facets:
    kind = unique_id.partition(".")[0]
    facets: Facets = {"jobType": _job_type(_JOB_TYPES.get(kind)), "dbt_node": {}}
    # dbt-ol says nothing of the node of a unit test.
    if kind != _UNIT_TEST:
        facets["dbt_node"] = {"unique_id": unique_id, **(_place_of(node) if node else {})}
    return facets


def _place_of(node: Node) -> dict[str, Any]:
    test_type = ("generic" if node.test_metadata else "singular") if node.resource_type == "test" else None
    return without_none(
        {
            "original_file_path": node.original_file_path,
            "database": node.database,
            "schema": node.schema,
            "alias": node.alias,
            "test_type": test_type,
        }
    )


def _job_type(job_type: str | None) -> dict[str, str]:
    return without_none({"integration": "DBT", "jobType": job_type, "processingType": "BATCH"})


def _error(message: str) -> dict[str, str]:
    return {"message": message, "programmingLanguage": "sql"}


def _assertion(result: Result, node: Node) -> dict[str, Any]:
    generic = node.test_metadata
    column = generic.kwargs.get("column_name") if generic else None
    return {
        "assertion": generic.name if generic else node.name,
        "name": node.name,
        "success": result.status == "pass",
        **without_none({"column": column if isinstance(column, str) else None, "severity": _severity(node)}),
        **_rows(result, node),
    }


def _query_test(result: Result, node: Node) -> dict[str, Any]:
    return {
        "name": node.unique_id,
        "type": "singular",
        "status": "pass" if result.status == "pass" else "fail",
        "severity": _severity(node) or "error",
        **without_none({"description": node.description or None}),
        **_rows(result, node),
    }


def _severity(node: Node) -> str | None:
    return node.config.severity.lower() if node.config.severity else None


def _rows(result: Result, node: Node) -> dict[str, str]:
    """Rows that failed a test, and how many may: nothing if the test has no result."""
    if result.failures is None:
        return {}
    limit = node.config.warn_if if _severity(node) == "warn" else node.config.error_if
    expected = "0" if limit is None or "".join(limit.split()) == "!=0" else limit
    return {"actual": str(result.failures), "expected": expected}
