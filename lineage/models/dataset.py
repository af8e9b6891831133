"""Table lineage_dataset: datasets that jobs read and write."""

from typing import Self

from django.db import models

from lineage.models.connection_scope import ConnectionScopedQuerySet, connection_key


class DatasetQuerySet(ConnectionScopedQuerySet):
    def named(self, text: str) -> Self:
        """Keep datasets whose name contains each of the words, in any case and order."""
        return self.filter(*(models.Q(name__icontains=word) for word in text.split()))


class Dataset(models.Model):
    """Table, file or topic, identified by (namespace, name). Its id is equal in every connection that uses it."""

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    namespace = models.TextField()
    name = models.TextField()
    # False: events only name it and where it is.
    described = models.BooleanField(default=False)
    # Hashes of its names without what senders write differently, and without the partition: events/identity.py.
    match_id = models.UUIDField()
    base_id = models.UUIDField()

    objects = DatasetQuerySet.as_manager()

    class Meta:
        db_table = "lineage_dataset"

    def __str__(self) -> str:
        return self.name
