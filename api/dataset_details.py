"""Details of one dataset, for `/datasets/{id}` and below: schema, origins of columns, users, writes, tests."""

from typing import Any

from rest_framework import serializers

from api.serializers import USE, JobNameSerializer, NamedDatasetSerializer, listed
from lineage.datasets.changes import LifeChange
from lineage.datasets.checks import TestOfDataset
from lineage.datasets.dataset import DatasetDetails, DatasetSchema, OtherName
from lineage.datasets.facts import Owner
from lineage.datasets.origins import Influence, Origin, Origins, SourceColumn
from lineage.datasets.schema import Column, Difference, SchemaChange
from lineage.datasets.users import User
from lineage.datasets.writes import MOST_WRITES, Write
from lineage.edges.uses import USES
from lineage.events.assertions import TEST_STATES
from lineage.models import Edge, Job

MOST_USERS = 100


class OtherNameSerializer(serializers.Serializer[OtherName]):
    """Another name of a dataset."""

    id = serializers.UUIDField(source="dataset.id")
    namespace = serializers.CharField(source="dataset.namespace")
    name = serializers.CharField(source="dataset.name")
    kind = serializers.CharField(allow_blank=True, help_text="Type of the name as sent, such as `TABLE`.")


class OwnerSerializer(serializers.Serializer[Owner]):
    """Owner of a dataset."""

    name = serializers.CharField()
    type = serializers.CharField(allow_blank=True)


class UserSerializer(serializers.Serializer[User]):
    """Job that writes or reads a dataset."""

    job_id = serializers.UUIDField(source="job.id")
    connection_id = serializers.UUIDField(source="job.connection_id")
    namespace = serializers.CharField(source="job.namespace")
    name = serializers.CharField(source="job.name")
    kind = serializers.ChoiceField(Job.Kind.choices, source="job.kind")
    direction = serializers.ChoiceField(Edge.Direction.choices)
    is_current = serializers.BooleanField(
        help_text="The job's latest run that named any dataset named this one, or a run under its parent run; or the "
        "job's latest JobEvent."
    )
    use = serializers.ChoiceField(USES, allow_null=True, help_text=USE)
    is_implied = serializers.BooleanField(help_text="Only origins of columns name the dataset; no input does.")
    last_at = serializers.DateTimeField(help_text="When it last did: to the hour unless `is_current`.")


class WriteSerializer(serializers.Serializer[Write]):
    """Write that counted its rows."""

    at = serializers.DateTimeField()
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField(source="size", allow_null=True)
    run_id = serializers.UUIDField(source="run.run_id", allow_null=True, default=None)
    is_unusual = serializers.BooleanField(help_text="Out of the range that the other writes make usual.")


class DatasetTestSerializer(serializers.Serializer[TestOfDataset]):
    """Result of a test in the latest round of tests."""

    column = serializers.CharField(allow_blank=True, help_text="Empty: it tests the whole dataset.")
    assertion = serializers.CharField(help_text="Such as `not_null`.")
    name = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(TEST_STATES)
    expected = serializers.CharField(allow_blank=True)
    actual = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    run_id = serializers.UUIDField(source="run.run_id", allow_null=True, default=None)


class LifeChangeSerializer(serializers.Serializer[LifeChange]):
    """Change of a dataset's life."""

    change = serializers.CharField(help_text="As sent: `CREATE`, `OVERWRITE`, `ALTER`, `RENAME`, `TRUNCATE`, `DROP`.")
    at = serializers.DateTimeField()
    dataset = NamedDatasetSerializer(help_text="Of a RENAME: the new name.")
    previous = NamedDatasetSerializer(allow_null=True, help_text="Of a RENAME: the old name.")
    run_id = serializers.UUIDField(source="run.run_id", allow_null=True, default=None)


class LastWriteSerializer(serializers.Serializer[Any]):
    """Last complete write."""

    ended_at = serializers.DateTimeField()
    run_id = serializers.UUIDField()
    job_id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    job = JobNameSerializer()


class SchemaColumnSerializer(serializers.Serializer[Column]):
    """Column, or a field inside one: each is followed by the fields inside it."""

    path = serializers.CharField(help_text="`address.city` for a field inside a column.")
    type = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)


class SchemaSerializer(serializers.Serializer[DatasetSchema]):
    """Current schema."""

    columns = SchemaColumnSerializer(many=True)
    first_at = serializers.DateTimeField(allow_null=True, help_text="When an event first had it.")
    last_hour = serializers.DateTimeField(allow_null=True, help_text="When an event last had it, to the hour.")
    from_reader = serializers.BooleanField(
        help_text="Only jobs that read the dataset said it: perhaps not all columns."
    )


class OneDatasetSerializer(serializers.Serializer[Any]):
    """Dataset: who writes and reads it in all connections, its schema, rows, tests and other names."""

    id = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    connections = serializers.ListField(child=serializers.UUIDField(), help_text="Those whose events name it.")
    other_names = OtherNameSerializer(many=True)
    documentation = serializers.CharField(allow_null=True)
    owners = OwnerSerializer(many=True)
    tags = serializers.ListField(child=serializers.CharField(), help_text="`key:value`, or the key alone.")
    type = serializers.CharField(allow_null=True, help_text="Such as `VIEW`.")
    storage = serializers.CharField(allow_null=True)
    catalog = serializers.CharField(allow_null=True)
    # `source` is an argument of each field, and an attribute of REST framework's.
    datasource = serializers.CharField(allow_null=True, help_text="Name and address of the database.")
    referenced_only = serializers.BooleanField(
        help_text="No job writes it, and events say no more of it than where it is."
    )
    dropped_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was dropped, or renamed to another name; null if it was written since."
    )
    last_write = LastWriteSerializer(allow_null=True, help_text="By the latest completed run that wrote it.")
    schema = SchemaSerializer()
    writers = UserSerializer(many=True, help_text=f"{MOST_USERS} at most: current ones first, then the latest.")
    readers = UserSerializer(many=True, help_text=f"{MOST_USERS} at most: current ones first, then the latest.")
    writers_count = serializers.IntegerField(help_text="1,000 at most.")
    readers_count = serializers.IntegerField(help_text="1,000 at most.")
    writes = WriteSerializer(many=True, help_text=f"The latest {MOST_WRITES} that counted rows, the latest last.")
    tests = DatasetTestSerializer(many=True, help_text="Of the latest round of tests, failed ones first.")
    changes = LifeChangeSerializer(many=True, help_text="Of its life, the latest first.")
    partitions = serializers.IntegerField(help_text="Datasets that differ in their partition only; see `base_id`.")
    base_id = serializers.UUIDField(help_text="Value of the filter `base_id` that lists the partitions.")
    similar = NamedDatasetSerializer(
        many=True, help_text="Perhaps one table: names differ in capitals, quotes or port."
    )


class SourceColumnSerializer(serializers.Serializer[SourceColumn]):
    """Column of another dataset."""

    dataset_id = serializers.UUIDField()
    namespace = serializers.CharField()
    dataset = serializers.CharField()
    column = serializers.CharField()


class InfluenceSerializer(serializers.Serializer[Influence]):
    """Columns that decide about rows or their order."""

    how = serializers.CharField(help_text="Such as `filtered by`.")
    sources = SourceColumnSerializer(many=True)


class OriginSerializer(serializers.Serializer[Origin]):
    """Origin of a column."""

    how = serializers.CharField(
        allow_blank=True,
        help_text="`same`, `renamed`, `computed`, `same name`, `renamed or computed`; empty: not known.",
    )
    sources = SourceColumnSerializer(many=True)
    influences = InfluenceSerializer(many=True)


class ColumnWithOriginSerializer(serializers.Serializer[Any]):
    """Column with its origin and test results."""

    path = serializers.CharField()
    type = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    origin = OriginSerializer(allow_null=True)
    tests = DatasetTestSerializer(many=True)


class ColumnsSerializer(serializers.Serializer[Any]):
    """Columns of a dataset, in the order of its schema; without a schema those that events name."""

    columns = ColumnWithOriginSerializer(many=True)
    of_all = InfluenceSerializer(many=True, help_text="What decides about all columns, such as a filter on rows.")


class DifferenceSerializer(serializers.Serializer[Difference]):
    """Difference between two schemas."""

    change = serializers.ChoiceField(("added", "removed", "changed"))
    path = serializers.CharField()
    type = serializers.CharField(allow_blank=True)
    previous_type = serializers.CharField(allow_blank=True)


class SchemaChangeSerializer(serializers.Serializer[SchemaChange]):
    """Change from one schema to the next."""

    at = serializers.DateTimeField()
    is_return = serializers.BooleanField(help_text="An earlier schema came back, some time after `at`.")
    differences = DifferenceSerializer(many=True)


class SchemasSerializer(serializers.Serializer[DatasetSchema]):
    """Current schema, and the changes that led to it, the latest first."""

    columns = SchemaColumnSerializer(many=True)
    first_at = serializers.DateTimeField(allow_null=True)
    last_hour = serializers.DateTimeField(allow_null=True)
    from_reader = serializers.BooleanField()
    changes = SchemaChangeSerializer(many=True)


def dataset_details(details: DatasetDetails) -> dict[str, Any]:
    """Give what OneDatasetSerializer describes."""
    found, said = details.found, details.description
    texts = {name: getattr(said, name) or None for name in ("documentation", "type", "storage", "catalog")}
    return {
        **NamedDatasetSerializer(found.dataset).data,
        "connections": found.connection_ids,
        "other_names": listed(OtherNameSerializer, found.other_names),
        **texts,
        "datasource": said.source or None,
        "owners": listed(OwnerSerializer, said.owners),
        "tags": said.tags,
        "referenced_only": details.referenced_only,
        "dropped_at": details.dropped_at,
        "last_write": _last_write(details),
        "schema": SchemaSerializer(details.schema).data,
        "writers": listed(UserSerializer, details.users.writers[:MOST_USERS]),
        "readers": listed(UserSerializer, details.users.readers[:MOST_USERS]),
        "writers_count": len(details.users.writers),
        "readers_count": len(details.users.readers),
        "writes": listed(WriteSerializer, details.writes.writes),
        "tests": listed(DatasetTestSerializer, details.tests.results),
        "changes": listed(LifeChangeSerializer, details.changes),
        "partitions": details.partitions,
        "base_id": found.dataset.base_id,
        "similar": listed(NamedDatasetSerializer, details.similar),
    }


def columns_with_origins(details: DatasetDetails) -> dict[str, Any]:
    """Give what ColumnsSerializer describes."""
    origins, tests, tags = details.origins, details.tests.of_columns(), details.description.column_tags
    return {
        "columns": [
            {
                **SchemaColumnSerializer(column).data,
                "tags": tags.get(column.path, []),
                "origin": _origin(origins, column.path),
                "tests": listed(DatasetTestSerializer, tests.get(column.path, [])),
            }
            for column in details.columns
        ],
        "of_all": listed(InfluenceSerializer, origins.of_all),
    }


def _origin(origins: Origins, path: str) -> Any:
    origin = origins.columns.get(path)
    return OriginSerializer(origin).data if origin and origin.is_known else None


def _last_write(details: DatasetDetails) -> Any:
    write, run, job = details.last_write, details.last_run, details.last_job
    if write is None or run is None or job is None:
        return None
    return LastWriteSerializer(
        {
            "ended_at": write.ended_at,
            "run_id": run.run_id,
            "job_id": job.id,
            "connection_id": job.connection_id,
            "job": {"namespace": job.namespace, "name": job.name},
        }
    ).data
