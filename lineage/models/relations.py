"""Tables of relations without an edge, and of what senders could not extract of a run.

How two rows of one key are merged: lineage/rows/tables.py.
"""

from django.db import models

from lineage.models.connection_scope import ConnectionScopedQuerySet, connection_key


class RelationQuerySet(ConnectionScopedQuerySet):
    pass


class Relation(models.Model):
    """A dataset is made of another one, as an event about the dataset itself says; or a job runs after another one."""

    class Kind(models.TextChoices):
        # Ids are of datasets.
        DERIVED = "DERIVED", "Derived"
        # Ids are of jobs.
        DEPENDS = "DEPENDS", "Depends"

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    kind = models.TextField(choices=Kind)
    source_id = models.UUIDField()
    target_id = models.UUIDField()
    first_event_hour = models.DateTimeField()
    last_event_hour = models.DateTimeField()

    objects = RelationQuerySet.as_manager()

    class Meta:
        db_table = "lineage_relation"

    def __str__(self) -> str:
        return f"{self.target_id} {self.kind.lower()} {self.source_id}"


class Extraction(models.Model):
    """Statements of a run, `failed` of `total`, of which its sender could not say what they read and write. `total`: 0
    if it is not known."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    run_id = models.UUIDField()
    said_at = models.DateTimeField()
    failed = models.IntegerField()
    total = models.IntegerField()

    objects = RelationQuerySet.as_manager()

    class Meta:
        db_table = "lineage_extraction"

    def __str__(self) -> str:
        return f"{self.failed} of {self.run_id}"
