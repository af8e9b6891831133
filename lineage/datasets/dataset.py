"""All that a dataset's page and the API say of one dataset."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connections.models import Connection
from connections.querysets import Reader
from lineage.datasets.aliases import read_names
from lineage.datasets.changes import LifeChange, read_changes, read_drops
from lineage.datasets.checks import Tests, read_tests, with_runs
from lineage.datasets.facts import (
    Description,
    changes_of_schema,
    columns_now,
    description_of,
    read_contents,
    read_current_facts,
    read_schemas,
)
from lineage.datasets.likeness import NamedDataset, count_partitions, read_similar
from lineage.datasets.origins import Origins, read_origins
from lineage.datasets.schema import Column, SchemaChange
from lineage.datasets.users import Users, read_users
from lineage.datasets.writes import LastWrite, Writes, read_last_writes, read_runs, read_writes
from lineage.events.clocks import known_duration
from lineage.events.dataset_facets import SCHEMA
from lineage.models import Dataset, Job, Run


@dataclass(frozen=True, slots=True)
class OtherName:
    """Another name of a dataset. `kind`: its type, such as TABLE; empty: not given."""

    dataset: Dataset
    kind: str


@dataclass(frozen=True, slots=True)
class FoundDataset:
    """A dataset under the name that was asked for. `names`: ids of all its names. `connections`: those that the reader
    may see, by id; `connection_ids`: those of them that name it."""

    dataset: Dataset
    names: tuple[UUID, ...]
    other_names: list[OtherName]
    connections: Mapping[UUID, Connection]
    connection_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class DatasetSchema:
    """Columns now, since when they are so, and the changes before, the latest first. `from_reader`: only readers named
    columns, perhaps not all of them."""

    columns: list[Column]
    first_at: datetime | None
    last_hour: datetime | None
    from_reader: bool
    changes: list[SchemaChange]


@dataclass(frozen=True, slots=True)
class DatasetDetails:
    """`last_run`, `last_job`: of the last write. `dropped_at`: None as well if it was made again. `partitions`: how
    many datasets have its name and a partition; 0 if it is the only one. `similar`: perhaps other names of it."""

    found: FoundDataset
    description: Description
    schema: DatasetSchema
    origins: Origins
    users: Users
    last_write: LastWrite | None
    last_run: Run | None
    last_job: Job | None
    writes: Writes
    tests: Tests
    changes: list[LifeChange]
    dropped_at: datetime | None
    partitions: int
    similar: list[NamedDataset]

    @property
    def referenced_only(self) -> bool:
        """True if no job writes it, and events say nothing of it but where it is."""
        return not self.users.writers and not self.description.is_described

    @property
    def columns(self) -> list[Column]:
        """Columns of the schema; without a schema those of which an origin, a test or a tag is known."""
        named = {**self.origins.columns, **self.tests.of_columns(), **self.description.column_tags}
        return self.schema.columns or [Column(name, name, "", "", 0) for name in named]

    @property
    def last_duration(self) -> timedelta | None:
        return known_duration(self.last_run.started_at, self.last_run.shown_ended_at) if self.last_run else None


def find_dataset(dataset_id: UUID, reader: Reader) -> FoundDataset | None:
    """Find a dataset in the connections that `reader` may see. Four queries."""
    connections = {one.pk: one for one in Connection.objects.visible(reader).order_by("name")}
    rows = list(Dataset.objects.filter(connection_id__in=connections, id=dataset_id))
    if not rows:
        return None
    names = read_names([dataset_id], connections)[dataset_id]
    others = Dataset.objects.filter(connection_id__in=connections, id__in=names.ids).exclude(id=dataset_id)
    named = list(others) if len(names.ids) > 1 else []
    by_id = {dataset.id: dataset for dataset in named}
    return FoundDataset(
        dataset=rows[0],
        names=names.ids,
        other_names=[OtherName(by_id[id_], names.kinds.get(id_, "")) for id_ in names.ids if id_ in by_id],
        connections=connections,
        connection_ids=[id_ for id_ in connections if any(row.connection_id == id_ for row in (*rows, *named))],
    )


def read_dataset(found: FoundDataset) -> DatasetDetails:
    """Read all of it. The number of queries does not grow with what there is."""
    ids, connection_ids = found.names, list(found.connections)
    description, schema = read_facts(found)
    users = read_users(ids, connection_ids)
    names = {found.dataset.id: ids}
    last = read_last_writes(names, connection_ids).get(found.dataset.id)
    tests = read_tests(names, connection_ids).get(found.dataset.id, Tests())
    runs = read_runs([*([last.run_key] if last else []), *(test.run_key for test in tests.results)])
    last_run = runs.get(last.run_key) if last else None
    written = {found.dataset.id: last.ended_at} if last else {}
    return DatasetDetails(
        found=found,
        description=description,
        schema=schema,
        origins=read_origins_of(users, connection_ids),
        users=users,
        last_write=last,
        last_run=last_run,
        last_job=next((user.job for user in users.writers if last_run and user.job.id == last_run.job_id), None),
        writes=read_writes(ids, connection_ids),
        tests=with_runs(tests, runs),
        changes=read_changes(ids, connection_ids),
        dropped_at=read_drops(names, connection_ids, written).get(found.dataset.id),
        partitions=_count_partitions(found.dataset, connection_ids),
        similar=_similar(found, connection_ids),
    )


def read_facts(found: FoundDataset) -> tuple[Description, DatasetSchema]:
    """Read what events say of a dataset. Three queries."""
    connection_ids = list(found.connections)
    current = read_current_facts(found.names, connection_ids)
    schema_now = current.get(SCHEMA)
    schemas = read_schemas(schema_now, connection_ids)
    wanted = {fact.content_id for fact in current.values()} | {one.content_id for one in schemas}
    contents = read_contents(wanted, connection_ids)
    schema = DatasetSchema(
        columns=columns_now(current, contents),
        first_at=schema_now.first_at if schema_now else None,
        last_hour=schema_now.last_hour if schema_now else None,
        from_reader=schema_now is not None and schema_now.is_of_reader,
        changes=changes_of_schema(schemas, contents),
    )
    return description_of(current, contents), schema


def read_origins_of(users: Users, connection_ids: Collection[UUID]) -> Origins:
    """Read the origins that the current writers say; if no writer is current, those of the latest one."""
    writers = users.current_writers or users.writers[:1]
    return read_origins([id_ for user in writers for id_ in user.edge_ids], connection_ids)


def _count_partitions(dataset: Dataset, connection_ids: Collection[UUID]) -> int:
    count = count_partitions([dataset.base_id], connection_ids).get(dataset.base_id, 0)
    return 0 if count == 1 and dataset.id != dataset.base_id else count


def _similar(found: FoundDataset, connection_ids: Collection[UUID]) -> list[NamedDataset]:
    id_ = found.dataset.id
    datasets = [found.dataset, *(other.dataset for other in found.other_names)]
    matches = {id_: {one.match_id for one in datasets}}
    return read_similar(matches, {id_: found.names}, connection_ids).get(id_, [])
