"""lineage_dataset and lineage_edge."""

from uuid import UUID

from lineage.sql.execute import Row, by_column, execute

_INSERT_DATASETS = """
INSERT INTO lineage_dataset (connection_id, id, namespace, name, described)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::boolean[])
ON CONFLICT (connection_id, id) DO NOTHING
"""

_MARK_DESCRIBED = """
UPDATE lineage_dataset AS dataset SET described = true
FROM unnest(%b::uuid[], %b::uuid[]) AS said (connection_id, id)
WHERE dataset.connection_id = said.connection_id AND dataset.id = said.id AND NOT dataset.described
"""

_NO_RUN = "'00000000-0000-0000-0000-000000000000'::uuid"
_LATER = f"""
(excluded.last_event_at, COALESCE(excluded.last_run_id, {_NO_RUN}))
    > (edge.last_event_at, COALESCE(edge.last_run_id, {_NO_RUN}))
"""
_UPSERT_EDGES = f"""
INSERT INTO lineage_edge AS edge
    (connection_id, id, job_id, dataset_id, direction, first_event_at, last_event_at, last_run_id)
SELECT * FROM unnest(
    %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::uuid[]
)
ON CONFLICT (connection_id, id) DO UPDATE SET
    first_event_at = LEAST(edge.first_event_at, excluded.first_event_at),
    last_event_at = GREATEST(edge.last_event_at, excluded.last_event_at),
    last_run_id = CASE WHEN {_LATER} THEN excluded.last_run_id ELSE edge.last_run_id END
WHERE excluded.first_event_at < edge.first_event_at OR {_LATER}
"""  # noqa: S608 - made of constants


def insert_datasets(rows: list[Row]) -> None:
    """`rows`: (connection id, id, namespace, name, described), sorted, one for each dataset."""
    execute(_INSERT_DATASETS.encode(), by_column(rows, 5))


def mark_described(keys: list[tuple[UUID, UUID]]) -> None:
    """`keys`: (connection id, id) of datasets that an event gave a facet."""
    execute(_MARK_DESCRIBED.encode(), by_column(keys, 2))


def upsert_edges(rows: list[Row]) -> None:
    """`rows`, sorted: (connection id, id, job id, dataset id, direction, first and last event time, last run id)."""
    execute(_UPSERT_EDGES.encode(), by_column(rows, 8))
