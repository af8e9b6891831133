"""lineage_mark: which runs changed, and are to be settled."""

from django.db import models

from lineage.models.of_connection import connection_key


class Mark(models.Model):
    """A run that changed, with company that has a say in its state. Deleted when it is settled: states/marks.py."""

    connection = connection_key()
    id = models.BigIntegerField(primary_key=True)
    run_id = models.UUIDField()

    class Meta:
        db_table = "lineage_mark"

    def __str__(self) -> str:
        return str(self.run_id)
