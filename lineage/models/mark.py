"""Table lineage_mark: changed runs that have to be settled."""

from django.db import models

from lineage.models.connection_scope import connection_key


class Mark(models.Model):
    """Changed run with relatives. `states/marks.py` deletes the mark when the run's family is settled."""

    connection = connection_key()
    id = models.BigIntegerField(primary_key=True)
    run_id = models.UUIDField()

    class Meta:
        db_table = "lineage_mark"

    def __str__(self) -> str:
        return str(self.run_id)
