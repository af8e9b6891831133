"""Table lineage_edge: reads and writes of datasets by jobs."""

from django.db import models

from lineage.models.connection_scope import ConnectionScopedQuerySet, connection_key
from lineage.models.job import Job


class EdgeQuerySet(ConnectionScopedQuerySet):
    pass


class Edge(models.Model):
    """Job reads dataset, or job writes dataset."""

    class Direction(models.TextChoices):
        READS = "READS", "Reads"
        WRITES = "WRITES", "Writes"

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="edges")
    dataset_id = models.UUIDField()
    direction = models.TextField(choices=Direction)
    # Hours (event_time) of the first and the last event that names the edge. Because they are hours, an edge is written
    # once an hour at most. The edges of one run are in Run.edge_ids.
    first_event_hour = models.DateTimeField()
    last_event_hour = models.DateTimeField()
    # Time of the last JobEvent that names the edge. Null: none did.
    declared_at = models.DateTimeField(null=True)
    # Bits: lineage/events/effects.py.
    effects = models.IntegerField(default=1)

    objects = EdgeQuerySet.as_manager()

    class Meta:
        db_table = "lineage_edge"

    def __str__(self) -> str:
        return f"{self.job_id} {self.direction.lower()} {self.dataset_id}"
