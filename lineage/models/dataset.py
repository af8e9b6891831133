"""lineage_dataset: what jobs read and write."""

from django.db import models

from lineage.models.of_connection import OfVisibleConnections, connection_key


class DatasetQuerySet(OfVisibleConnections):
    pass


class Dataset(models.Model):
    """(namespace, name): a table, file or topic. The id is the same in every connection that touches it."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    namespace = models.TextField()
    name = models.TextField()
    # False: it was only referred to; no event gave it a facet.
    described = models.BooleanField(default=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        db_table = "lineage_dataset"

    def __str__(self) -> str:
        return self.name
