"""Rows of datasets, made without events."""

import uuid
from typing import Any

from connections.models import Connection
from lineage.events.identity import base_id, dataset_id, match_id
from lineage.models import Dataset


def make_dataset(connection: Connection | uuid.UUID, name: str, namespace: str = "db", **fields: Any) -> Dataset:
    """Make a row as digest does, without saving it."""
    of = {"id": dataset_id(namespace, name), "match_id": match_id(namespace, name), "base_id": base_id(namespace, name)}
    connection_id = connection if isinstance(connection, uuid.UUID) else connection.pk
    return Dataset(connection_id=connection_id, namespace=namespace, name=name, **{**of, **fields})


def save_dataset(connection: Connection | uuid.UUID, name: str, namespace: str = "db", **fields: Any) -> Dataset:
    dataset = make_dataset(connection, name, namespace, **fields)
    dataset.save(force_insert=True)
    return dataset
