"""dbt's artifacts, as far as fetching needs them: run_results.json (schema v4 to v6), manifest.json (v7 to v12) and
catalog.json (v1). Pure.

Seen with dbt 1.11. Fields that a version lacks have a default; those of newer versions are not read.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from lineage.events.decoders import decoder_of
from pull.http.faults import Fault, FaultCode

RUN_RESULTS: Final = "run_results.json"
MANIFEST: Final = "manifest.json"
CATALOG: Final = "catalog.json"
# Commands whose results are runs. Others overwrite run_results.json, too: `dbt docs generate` with only "success".
COMMANDS: Final = frozenset(("run", "build", "test", "seed", "snapshot"))
_TABLES: Final = frozenset(("model", "seed", "snapshot", "source"))
_EPHEMERAL: Final = "ephemeral"
_T = TypeVar("_T")


class Unreadable(Fault):
    """A file that is no artifact of dbt, or is not written to its end yet."""


# --- run_results.json


class Timing(Struct):
    """Phase of a node: compile or execute. The times are None if it did not come to that."""

    started_at: datetime | None = None
    completed_at: datetime | None = None


class Result(Struct):
    """Result of a node. `failures`: rows that failed a test."""

    unique_id: str
    status: str
    timing: list[Timing] = field(default_factory=list)
    message: str | None = None
    failures: int | None = None
    adapter_response: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        """Resource type of the node, such as `model`."""
        return self.unique_id.partition(".")[0]

    def times(self, otherwise: datetime) -> tuple[datetime, datetime]:
        """Start and end: `otherwise` for a node that dbt did not begin, which has none."""
        starts = [as_utc(timing.started_at) for timing in self.timing if timing.started_at]
        ends = [as_utc(timing.completed_at) for timing in self.timing if timing.completed_at]
        start = min(starts, default=otherwise)
        return start, max([*ends, start]) if starts else otherwise


class _OfResults(Struct):
    generated_at: datetime
    invocation_id: str
    dbt_version: str = ""
    # Since dbt 1.10.
    invocation_started_at: datetime | None = None


class _Arguments(Struct):
    which: str = ""
    full_refresh: bool | None = None


class RunResults(Struct):
    """Results of one command. `elapsed_time`: seconds that the nodes took."""

    metadata: _OfResults
    results: list[Result]
    elapsed_time: float = 0.0
    args: _Arguments = field(default_factory=_Arguments)

    @property
    def ended_at(self) -> datetime:
        return as_utc(self.metadata.generated_at)

    @property
    def started_at(self) -> datetime:
        if self.metadata.invocation_started_at is not None:
            return min(as_utc(self.metadata.invocation_started_at), self.ended_at)
        return self.ended_at - timedelta(seconds=max(self.elapsed_time, 0.0))

    @property
    def is_of_runs(self) -> bool:
        return self.args.which in COMMANDS


# --- manifest.json


class Column(Struct):
    name: str
    data_type: str | None = None
    description: str | None = None


class Needs(Struct):
    # Seeds have none.
    nodes: list[str] = field(default_factory=list)


class Config(Struct):
    materialized: str | None = None
    access: str | None = None
    owner: Any = None
    group: str | None = None
    severity: str | None = None
    warn_if: str | None = None
    error_if: str | None = None
    store_failures: bool | None = None
    meta: dict[str, Any] | None = None


class GenericTest(Struct):
    name: str
    kwargs: dict[str, Any] = field(default_factory=dict)


class Node(Struct):
    """Node, source or unit test. Its table is `database.schema.alias`, that of a source `database.schema.name`."""

    unique_id: str
    name: str
    resource_type: str = ""
    package_name: str = ""
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    original_file_path: str | None = None
    description: str | None = None
    columns: dict[str, Column] | None = None
    tags: list[str] | None = None
    meta: dict[str, Any] | None = None
    group: str | None = None
    config: Config = field(default_factory=Config)
    depends_on: Needs = field(default_factory=Needs)
    # Of tests: the model that a generic test stands at. Neither is given for a test that is a query of its own.
    attached_node: str | None = None
    test_metadata: GenericTest | None = None

    @property
    def table(self) -> str:
        name = self.name if self.resource_type == "source" else self.alias or self.name
        return ".".join(filter(None, (self.database, self.schema, name)))

    @property
    def has_table(self) -> bool:
        """Tell whether it is a table: an ephemeral model is a part of others' queries."""
        if self.resource_type == "test":
            return self.config.store_failures is True
        return self.resource_type in _TABLES and self.config.materialized != _EPHEMERAL


class Exposure(Struct):
    """Use of models outside of dbt, such as a dashboard."""

    unique_id: str
    name: str
    type: str | None = None
    url: str | None = None
    depends_on: Needs = field(default_factory=Needs)


class _Owner(Struct):
    name: str | None = None
    # Since dbt 1.10 it may be a list.
    email: Any = None


class Group(Struct):
    name: str
    owner: _Owner = field(default_factory=_Owner)


class _OfManifest(Struct):
    generated_at: datetime
    # Since dbt 1.7. Before that: the MD5 of the name.
    project_name: str | None = None
    project_id: str | None = None
    adapter_type: str | None = None


class Manifest(Struct):
    metadata: _OfManifest
    nodes: dict[str, Node]
    sources: dict[str, Node] = field(default_factory=dict)
    unit_tests: dict[str, Node] = field(default_factory=dict)
    exposures: dict[str, Exposure] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def find(self, unique_id: str) -> Node | None:
        return self.nodes.get(unique_id) or self.sources.get(unique_id) or self.unit_tests.get(unique_id)

    def tables_of(self, node: Node) -> list[Node]:
        """Nodes whose tables a node reads, also through ephemeral models. In the order of the manifest."""
        found: dict[str, Node] = {}
        seen: set[str] = set()
        waiting = list(reversed(node.depends_on.nodes))
        while waiting:
            one = self.find(unique_id := waiting.pop())
            if one is None or unique_id in seen:
                continue
            seen.add(unique_id)
            if one.has_table:
                found[unique_id] = one
            elif one.config.materialized == _EPHEMERAL:
                waiting += reversed(one.depends_on.nodes)
        return list(found.values())

    @property
    def project(self) -> str:
        """Name of the project; empty if nothing says it."""
        if self.metadata.project_name:
            return self.metadata.project_name
        packages = {node.package_name for node in self.nodes.values()}
        return next((name for name in sorted(packages) if _md5(name) == self.metadata.project_id), "")

    def exposures_of(self) -> Mapping[str, list[Exposure]]:
        """Node → the exposures that use it."""
        found: dict[str, list[Exposure]] = {}
        for exposure in self.exposures.values():
            for unique_id in exposure.depends_on.nodes:
                found.setdefault(unique_id, []).append(exposure)
        return found

    def owners_of(self, node: Node) -> list[str]:
        """Owners by `meta.owner`, else the owner of its group."""
        owners = list(_names((node.meta or node.config.meta or {}).get("owner")))
        group = node.group or node.config.group
        if not owners and group:
            owner = next((one.owner for one in self.groups.values() if one.name == group), _Owner())
            owners = list(_names(owner.email)) or list(_names(owner.name)) or [group]
        return owners


# --- catalog.json


class CatalogColumn(Struct):
    name: str
    type: str | None = None


class CatalogTable(Struct):
    columns: dict[str, CatalogColumn] = field(default_factory=dict)


class Catalog(Struct):
    nodes: dict[str, CatalogTable]
    sources: dict[str, CatalogTable] = field(default_factory=dict)

    def columns_of(self, unique_id: str) -> list[CatalogColumn]:
        table = self.nodes.get(unique_id) or self.sources.get(unique_id)
        return list(table.columns.values()) if table else []


def decode(content: bytes, shape: type[_T], path: str) -> _T:
    """Decode an artifact. Raises Unreadable, which names the file, and the field that does not fit."""
    try:
        return decoder_of(shape).decode(content)
    except msgspec.ValidationError as error:
        words = f"{path} is no such file of dbt 1.3 or newer: {error}."
        raise Unreadable(FaultCode.UNEXPECTED, words, path=path) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        words = f"{path} is no JSON: perhaps it is being written. The next sync reads it again."
        raise Unreadable(FaultCode.NOT_JSON, words, path=path) from error


def as_utc(time: datetime) -> datetime:
    """dbt writes UTC; some versions without saying so."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _names(value: Any) -> Iterator[str]:
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str) and name:
            yield name


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
