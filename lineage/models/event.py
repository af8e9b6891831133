"""Table lineage_event: documents as received."""

from django.db import models

from lineage.database.bodies import BodyField
from lineage.models.connection_scope import ConnectionScopedQuerySet, connection_key


class EventQuerySet(ConnectionScopedQuerySet):
    pass


class Event(models.Model):
    """OpenLineage document, stored as received. Partitioned by `event_time`. All other tables are built from it."""

    class Kind(models.TextChoices):
        RUN = "RUN", "RunEvent"
        JOB = "JOB", "JobEvent"
        DATASET = "DATASET", "DatasetEvent"

    connection = connection_key()
    event_time = models.DateTimeField()
    # Hash of the body: a retried event has equal time and id, so it is stored once.
    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    kind = models.TextField(choices=Kind)
    event_type = models.TextField(null=True)  # noqa: DJ001 - absent is not empty
    # Id of the run, job or dataset that the event is about; `kind` says which.
    subject_id = models.UUIDField()
    # Size of the body as received, before compression.
    body_bytes = models.IntegerField()
    body = BodyField()

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "lineage_event"
        ordering = ["event_time", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.event_type or ''} {self.event_time.isoformat()}"
