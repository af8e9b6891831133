"""lineage_edge: which job reads or writes which dataset."""

from django.db import models

from lineage.models.job import Job
from lineage.models.of_connection import OfVisibleConnections, connection_key


class EdgeQuerySet(OfVisibleConnections):
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
    # Of the events that name it, by event_time, to the hour: so an edge is written once an hour, however often it is
    # named. The edges of one run are in Run.edge_ids.
    first_event_hour = models.DateTimeField()
    last_event_hour = models.DateTimeField()

    objects = EdgeQuerySet.as_manager()

    class Meta:
        db_table = "lineage_edge"

    def __str__(self) -> str:
        return f"{self.job_id} {self.direction.lower()} {self.dataset_id}"
