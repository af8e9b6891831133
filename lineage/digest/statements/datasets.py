"""lineage_dataset and lineage_edge. Rows are written sorted by key: writers that lock in one order cannot deadlock."""

from typing import Final
from uuid import UUID

from lineage.database.execute import Row, arrays, execute_rows, statement

_DATASET: Final = ("uuid", "uuid", "text", "text", "boolean")
_KEY: Final = ("uuid", "uuid")
_EDGE: Final = ("uuid", "uuid", "uuid", "uuid", "text", "timestamptz", "timestamptz")

_INSERT_DATASETS = statement(f"""
INSERT INTO lineage_dataset (connection_id, id, namespace, name, described)
SELECT * FROM unnest({arrays(_DATASET)})
ON CONFLICT (connection_id, id) DO NOTHING
""")  # noqa: S608 - made of constants

_MARK_DESCRIBED = statement(f"""
UPDATE lineage_dataset AS dataset SET described = true
FROM unnest({arrays(_KEY)}) AS said (connection_id, id)
WHERE dataset.connection_id = said.connection_id AND dataset.id = said.id AND NOT dataset.described
""")  # noqa: S608 - made of constants

_UPSERT_EDGES = statement(f"""
INSERT INTO lineage_edge AS edge
    (connection_id, id, job_id, dataset_id, direction, first_event_hour, last_event_hour)
SELECT * FROM unnest({arrays(_EDGE)})
ON CONFLICT (connection_id, id) DO UPDATE SET
    first_event_hour = LEAST(edge.first_event_hour, excluded.first_event_hour),
    last_event_hour = GREATEST(edge.last_event_hour, excluded.last_event_hour)
WHERE excluded.first_event_hour < edge.first_event_hour OR excluded.last_event_hour > edge.last_event_hour
""")  # noqa: S608 - made of constants


def insert_datasets(rows: list[Row]) -> None:
    """`rows`: (connection id, id, namespace, name, described), sorted, one for each dataset."""
    execute_rows(_INSERT_DATASETS, _DATASET, rows)


def mark_described(keys: list[tuple[UUID, UUID]]) -> None:
    """`keys`: (connection id, id) of datasets that an event gave a facet."""
    execute_rows(_MARK_DESCRIBED, _KEY, keys)


def upsert_edges(rows: list[Row]) -> None:
    """`rows`, sorted: (connection id, id, job id, dataset id, direction, hours of the first and the last event)."""
    execute_rows(_UPSERT_EDGES, _EDGE, rows)
