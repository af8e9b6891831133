"""Rows that digest made from a connection's events, in a form in which two connections can be compared."""

from typing import Any
from uuid import UUID

from lineage.models import (
    Activity,
    Alias,
    Change,
    Check,
    Content,
    Dataset,
    Edge,
    Extraction,
    Fact,
    Job,
    Measure,
    Relation,
    Run,
)

# What depends on the order of arrival by its nature: how a run was filed before it is settled, and when the sweep looks
# at it again, which follows from what was known of its job.
_BY_ARRIVAL = {"left_families", "lost_after"}
# Ids that hash the connection.
_PER_CONNECTION = {
    *("connection_id", "id", "job_id", "parent_job_id", "edge_ids", "needed_job_ids"),
    *("node_id", "test_ids", "latest_run_id", "joined_ids", "joined_in"),
    *("run_id", "subject_id", "source_id", "target_id"),
}


def rows_of(model: Any, connection_id: UUID) -> list[dict[str, Any]]:
    return list(model.objects.filter(connection_id=connection_id).values())


def projection(connection_id: UUID, *, with_its_ids: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Return all rows that digest makes of events, by natural key. `with_its_ids`: to compare within a connection."""
    left_out = _BY_ARRIVAL if with_its_ids else _BY_ARRIVAL | _PER_CONNECTION
    names: dict[Any, Any] = {
        job.id: (job.namespace, job.name) for job in Job.objects.filter(connection_id=connection_id)
    }
    edges: dict[Any, Any] = {
        edge.id: (names.get(edge.job_id), edge.dataset_id, edge.direction)
        for edge in Edge.objects.filter(connection_id=connection_id)
    }
    tables: dict[str, list[dict[str, Any]]] = {}
    for model in (Job, Run, Dataset, Edge, Content, Fact, Alias, Change, Measure, Check, Relation, Extraction):
        tables[model.__name__] = sorted(
            (
                {column: value for column, value in row.items() if column not in left_out}
                | {"job": names.get(row.get("job_id"))}
                | {"edges": sorted(edges[id_] for id_ in row.get("edge_ids", ()))}
                | ({"id": row["id"]} if model in (Dataset, Content) else {})
                | ({"run_id": row["run_id"]} if model is Run else {})
                | {"ends": [names.get(id_, id_) for id_ in (row.get("source_id"), row.get("target_id"))]}
                | {"of": edges.get(row.get("subject_id"), row.get("subject_id"))}
                for row in rows_of(model, connection_id)
            ),
            key=str,
        )
    tables["Activity"] = [{"heard": Activity.objects.filter(connection_id=connection_id).exists()}]
    return tables
