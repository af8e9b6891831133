"""Table lineage_activity: first and last event of each connection."""

from django.db import models

from connections.models import Connection


class Activity(models.Model):
    """Times of the first and the last event that a connection sent, by our clock. No row: it never sent one."""

    connection = models.OneToOneField(
        Connection,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="activity",
    )
    first_event_at = models.DateTimeField()
    # Written at most once a second, so it may be up to a second behind.
    last_event_at = models.DateTimeField()
    first_job_name = models.TextField(default="")

    class Meta:
        db_table = "lineage_activity"
        verbose_name_plural = "activity"

    def __str__(self) -> str:
        return str(self.last_event_at)
