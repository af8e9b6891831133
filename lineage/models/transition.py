"""lineage_transition: each change of the state that a run is shown in."""

from django.db import models

from lineage.models.of_connection import connection_key
from lineage.models.run_state import RunState


class Transition(models.Model):
    """A run came from one shown state into another. The first one comes from UNKNOWN."""

    connection = connection_key()
    id = models.BigIntegerField(primary_key=True)
    run_id = models.UUIDField()
    job_id = models.UUIDField()
    from_state = models.TextField(choices=RunState)
    to_state = models.TextField(choices=RunState)
    # When it came into that state, by its sender's clock; and when we noticed, by ours.
    at = models.DateTimeField()
    settled_at = models.DateTimeField()

    class Meta:
        db_table = "lineage_transition"

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
