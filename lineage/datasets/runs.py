"""Runs that wrote a dataset."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from lineage.datasets.users import read_edges
from lineage.events.effects import DATA
from lineage.models import Edge, Run
from lineage.models.run_queryset import RunQuerySet

# Writers whose runs are listed, the latest ones.
MOST_WRITERS: Final = 100


def runs_that_wrote(ids: Collection[UUID], connection_ids: Collection[UUID]) -> RunQuerySet:
    """Return the shown runs that name a dataset as their output; `ids`: of all its names. One query for its writers."""
    edges = list(read_edges(ids, connection_ids, Edge.Direction.WRITES)[:MOST_WRITERS])
    writers = [edge for edge in edges if edge.effects & DATA]
    runs: RunQuerySet = Run.objects.shown().filter(
        connection_id__in={edge.connection_id for edge in writers},
        job_id__in={edge.job_id for edge in writers},
        edge_ids__overlap=[edge.id for edge in writers],
    )
    return runs.exclude(edge_ids=[]) if writers else Run.objects.none()
