"""dbt's tables as datasets, with the facets of dbt-ol. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pull.documents import Author, without_none
from pull.sources.dbt.artifacts import Catalog, Exposure, Manifest, Node

# dbt's adapter → how dbt-ol begins the namespace of its tables.
NAMESPACES: Final = {
    "athena": "awsathena://",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse://",
    "databricks": "databricks://",
    "dremio": "dremio://",
    "duckdb": "duckdb://",
    "fabric": "fabric-warehouse://",
    "glue": "arn:aws:glue:",
    "postgres": "postgres://",
    "presto": "presto://",
    "redshift": "redshift://",
    "snowflake": "snowflake://",
    "spark": "spark://",
    "sqlserver": "mssql://",
    "trino": "trino://",
    "watsonx_presto": "presto://",
}
# Statistics of a write, by the name that an adapter gives them.
_ROWS: Final = "rows_affected"
_BYTES: Final = "bytes_processed"
Dataset = Mapping[str, Any]


class Tables:
    """Writes the datasets of one project. `namespace`: of the database."""

    def __init__(self, author: Author, namespace: str, manifest: Manifest, catalog: Catalog | None) -> None:
        self._author = author
        self._namespace = namespace
        self._manifest = manifest
        self._catalog = catalog
        self._exposures = manifest.exposures_of()

    def read_by(self, node: Node, *, has_succeeded: bool = False) -> list[Dataset]:
        return [self._dataset(one, has_succeeded=has_succeeded) for one in self._manifest.tables_of(node)]

    def written_by(
        self, node: Node, *, has_succeeded: bool = False, response: Mapping[str, Any] | None = None
    ) -> list[Dataset]:
        """The table of a node; that of a test keeps the rows that failed it, if it has one.

        `response`: of the database, to the statement that wrote it.
        """
        if not node.has_table:
            return []
        statistics = _statistics(response or {})
        written = {"outputStatistics": statistics} if statistics else None
        return [self._dataset(node, has_succeeded=has_succeeded, written=written)]

    def tested_by(self, node: Node, assertion: Mapping[str, Any]) -> list[Dataset]:
        """Tables that a test tests, with its result: the model that it stands at, or all that its query reads."""
        attached = self._manifest.find(node.attached_node) if node.attached_node else None
        needed = [attached] if attached else [self._manifest.find(unique_id) for unique_id in node.depends_on.nodes]
        results = {"dataQualityAssertions": {"assertions": [assertion]}}
        return [self._dataset(one, results) for one in needed if one]

    def _dataset(
        self,
        node: Node,
        more: Mapping[str, Any] | None = None,
        *,
        has_succeeded: bool = False,
        written: Mapping[str, Any] | None = None,
    ) -> Dataset:
        facets: dict[str, Mapping[str, Any]] = {"dataSource": {"name": self._namespace, "uri": self._namespace}}
        if node.description:
            facets["documentation"] = {"description": node.description}
        if fields := self._columns(node):
            facets["schema"] = {"fields": fields}
        if owners := self._manifest.owners_of(node):
            facets["ownership"] = {"owners": [{"name": owner} for owner in owners]}
        if config := _config(node):
            facets["dbt_model"] = {"config": config}
        if has_succeeded and (exposures := self._exposures.get(node.unique_id)):
            facets["dbt_exposures"] = {"exposures": [_exposure(one) for one in exposures]}
        return self._author.dataset(self._namespace, node.table, {**facets, **(more or {})}, written)

    def _columns(self, node: Node) -> list[dict[str, Any]]:
        """Columns by the catalog, else those that the project describes."""
        described = node.columns or {}
        of_catalog = self._catalog.columns_of(node.unique_id) if self._catalog else []
        if not of_catalog:
            return [_field(one.name, one.data_type, one.description) for one in described.values()]
        texts = {one.name.lower(): one.description for one in described.values()}
        return [_field(one.name, one.type, texts.get(one.name.lower())) for one in of_catalog]


def _field(name: str, type_: str | None, description: str | None) -> dict[str, Any]:
    return without_none({"name": name, "type": type_, "description": description})


def _config(node: Node) -> dict[str, Any]:
    config = node.config
    owner = config.owner if isinstance(config.owner, str) else None
    values = {"materialized": config.materialized, "access": config.access, "owner": owner, "group": config.group}
    return {name: value for name, value in values.items() if value}


def _exposure(exposure: Exposure) -> dict[str, Any]:
    return without_none(
        {"unique_id": exposure.unique_id, "name": exposure.name, "type": exposure.type, "url": exposure.url}
    )


def _statistics(response: Mapping[str, Any]) -> dict[str, int]:
    counts = {"rowCount": response.get(_ROWS), "size": response.get(_BYTES)}
    return {name: count for name, count in counts.items() if isinstance(count, int) and count > 0}
