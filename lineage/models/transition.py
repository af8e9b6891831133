"""Table lineage_transition: changes of the shown state of runs."""

from django.db import models

from lineage.models.connection_scope import connection_key
from lineage.models.run_state import RunState


class Transition(models.Model):
    """Change of a run from one shown state to another. The first one starts from UNKNOWN."""

    connection = connection_key()
    id = models.BigIntegerField(primary_key=True)
    run_id = models.UUIDField()
    job_id = models.UUIDField()
    from_state = models.TextField(choices=RunState)
    to_state = models.TextField(choices=RunState)
    # `at`: time of the change by the sender's clock. `settled_at`: when we noticed it, by our clock.
    at = models.DateTimeField()
    settled_at = models.DateTimeField()

    class Meta:
        db_table = "lineage_transition"

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
