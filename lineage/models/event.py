"""lineage_event: what was sent, as it was received."""

from django.db import models

from lineage.database.bodies import BodyField
from lineage.models.of_connection import OfVisibleConnections, connection_key


class EventQuerySet(OfVisibleConnections):
    pass


class Event(models.Model):
    """One OpenLineage document, stored as received. Partitioned by `event_time`; the truth behind all other tables."""

    class Kind(models.TextChoices):
        RUN = "RUN", "RunEvent"
        JOB = "JOB", "JobEvent"
        DATASET = "DATASET", "DatasetEvent"

    connection = connection_key()
    event_time = models.DateTimeField()
    # Hash of the body: a retried event has the same time and the same id, so it is stored once.
    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    kind = models.TextField(choices=Kind)
    event_type = models.TextField(null=True)  # noqa: DJ001 - absent is not empty
    # The run, job or dataset that the event is about, by its kind.
    subject_id = models.UUIDField()
    # Of the body, as received.
    body_bytes = models.IntegerField()
    body = BodyField()

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "lineage_event"
        ordering = ["event_time", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.event_type or ''} {self.event_time.isoformat()}"
