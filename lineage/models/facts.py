"""Tables of what events say of datasets: facts, other names, changes, counts and results of assertions.

How two rows of one key are merged: lineage/rows/tables.py.
"""

from django.db import models

from lineage.database.bodies import BodyField
from lineage.models.connection_scope import ConnectionScopedQuerySet, connection_key


class FactQuerySet(ConnectionScopedQuerySet):
    pass


class Content(models.Model):
    """Content of facts, as canonical JSON; empty if the fact was deleted. Its id is a hash of it."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    body = BodyField()
    # Names of the columns of a schema, one a line; else empty. Words of them are an index for search.
    names = models.TextField(default="")

    objects = FactQuerySet.as_manager()

    class Meta:
        db_table = "lineage_content"

    def __str__(self) -> str:
        return str(self.id)


class Fact(models.Model):
    """Fact of a dataset, or of the columns that a job writes.

    Of the facts of one subject, kind and side the one with the greatest (last_hour, first_at, content_id) is current.
    """

    class Side(models.TextChoices):
        READS = "READS", "Reads"
        WRITES = "WRITES", "Writes"
        DATASET = "DATASET", "Dataset"

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    # Id of the dataset; of kind `columns`: id of the edge.
    subject_id = models.UUIDField()
    kind = models.TextField()
    side = models.TextField(choices=Side)
    content_id = models.UUIDField()
    # Time of the first event that says it, and the hour of the last one.
    first_at = models.DateTimeField()
    last_hour = models.DateTimeField()

    objects = FactQuerySet.as_manager()

    class Meta:
        db_table = "lineage_fact"

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_id}"


class Alias(models.Model):
    """Other name of a dataset: `kind` is the type that the event gives the name, such as TABLE."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    dataset_id = models.UUIDField()
    alias_id = models.UUIDField()
    kind = models.TextField()
    first_event_hour = models.DateTimeField()
    last_event_hour = models.DateTimeField()

    objects = FactQuerySet.as_manager()

    class Meta:
        db_table = "lineage_alias"

    def __str__(self) -> str:
        return f"{self.dataset_id} is {self.alias_id}"


class Change(models.Model):
    """Change of a dataset's life, such as DROP or RENAME. `run_id` is nil if no run made it."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    run_id = models.UUIDField()
    dataset_id = models.UUIDField()
    change = models.TextField()
    previous_id = models.UUIDField(null=True)
    at = models.DateTimeField()

    objects = FactQuerySet.as_manager()

    class Meta:
        db_table = "lineage_change"

    def __str__(self) -> str:
        return f"{self.change} of {self.dataset_id}"


class Measure(models.Model):
    """Counts of a dataset that a run read or wrote. Sizes are in bytes. Null and empty: not reported."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    run_id = models.UUIDField()
    dataset_id = models.UUIDField()
    # READS or WRITES
    direction = models.TextField()
    said_at = models.DateTimeField()
    row_count = models.BigIntegerField(null=True)
    byte_count = models.BigIntegerField(null=True)
    file_count = models.BigIntegerField(null=True)
    version = models.TextField()

    objects = FactQuerySet.as_manager()

    class Meta:
        db_table = "lineage_measure"

    def __str__(self) -> str:
        return f"{self.dataset_id} by {self.run_id}"


class Check(models.Model):
    """Result of an assertion on a dataset, in one run. `has_result` is False if the test did not run to its end."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    run_id = models.UUIDField()
    dataset_id = models.UUIDField()
    column_name = models.TextField()
    assertion = models.TextField()
    name = models.TextField()
    said_at = models.DateTimeField()
    failed = models.BooleanField()
    has_result = models.BooleanField()
    severity = models.TextField()
    expected = models.TextField()
    actual = models.TextField()

    objects = FactQuerySet.as_manager()

    class Meta:
        db_table = "lineage_check"

    def __str__(self) -> str:
        return f"{self.assertion} on {self.dataset_id}"
