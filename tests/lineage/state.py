"""Everything that digest made of a connection's events, in a form that two connections can be compared by."""

from typing import Any
from uuid import UUID

from lineage.models import Activity, Dataset, Edge, Job, Run

# What depends on the order of arrival by its nature: how a run was filed before it is settled, and when the sweep looks
# at it again, which follows from what was known of its job.
_BY_ARRIVAL = {"left_families", "lost_after"}
# Ids that hash the connection.
_PER_CONNECTION = {
    *("connection_id", "id", "job_id", "parent_job_id", "edge_ids", "needed_job_ids"),
    *("node_id", "test_ids"),
}


def projection(connection_id: UUID, *, with_its_ids: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Jobs, runs, datasets and edges, by natural key. `with_its_ids`: to be compared with another one of the same
    connection."""
    left_out = _BY_ARRIVAL if with_its_ids else _BY_ARRIVAL | _PER_CONNECTION
    names = {job.id: (job.namespace, job.name) for job in Job.objects.filter(connection_id=connection_id)}
    edges = {
        edge.id: (names.get(edge.job_id), edge.dataset_id, edge.direction)
        for edge in Edge.objects.filter(connection_id=connection_id)
    }
    tables: dict[str, list[dict[str, Any]]] = {}
    for model in (Job, Run, Dataset, Edge):
        tables[model.__name__] = sorted(
            (
                {column: value for column, value in row.items() if column not in left_out}
                | {"job": names.get(row.get("job_id"))}
                | {"edges": sorted(edges[id_] for id_ in row.get("edge_ids", ()))}
                | ({"id": row["id"]} if model in (Run, Dataset) else {})
                for row in model.objects.filter(connection_id=connection_id).values()
            ),
            key=str,
        )
    tables["Activity"] = [{"heard": Activity.objects.filter(connection_id=connection_id).exists()}]
    return tables
