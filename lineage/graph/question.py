"""Question that a lineage graph answers. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

Kind = Literal["dataset", "job", "run"]
Direction = Literal["up", "down", "both"]
View = Literal["datasets", "jobs"]
# Lines between columns: none; those along which values flow; and those that only filter, join or sort, too.
ColumnLines = Literal["false", "true", "all"]
DIRECTIONS: Final = ("up", "down", "both")
VIEWS: Final = ("datasets", "jobs")
COLUMN_LINES: Final = ("false", "true", "all")
MAX_DEPTH: Final = 10
DEFAULT_DEPTH: Final = 2
MAX_NODES: Final = 500
DEFAULT_NODES: Final = 150
MAX_EXPANDED: Final = 50
# Characters of an id that are enough to tell one of a graph: URLs of nodes are most of a picture.
SHORT_ID: Final = 8


@dataclass(frozen=True, slots=True)
class Focus:
    """Dataset, job or run around which the graph is drawn. `id`: of the dataset, the job, or the job of the run.

    `connection_id`: of the job; None for a dataset, which all connections share.
    """

    kind: Kind
    id: UUID
    connection_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Parameters of a walk. `depth` counts datasets. `at`: as it was then; None: now. `compare`: an earlier moment,
    with which that is compared; None: with none. `varying`: also what a job does not read or write in every round.
    `expand`: ids of datasets whose neighbours are shown too, or their first SHORT_ID characters. `limit`: most
    datasets."""

    focus: Focus
    connection_ids: tuple[UUID, ...]
    direction: Direction = "both"
    depth: int = DEFAULT_DEPTH
    at: datetime | None = None
    compare: datetime | None = None
    varying: bool = True
    expand: frozenset[str] = field(default_factory=frozenset)
    limit: int = DEFAULT_NODES
