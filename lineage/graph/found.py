"""Nodes and edges of an answer to a question on lineage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from lineage.datasets.likeness import NamedDataset
from lineage.datasets.names import shown_name
from lineage.events.effects import DATA
from lineage.events.event import Extraction
from lineage.graph.details import JobDetails
from lineage.graph.impact import State as ImpactState
from lineage.graph.question import Question

NodeKind = Literal["dataset", "job"]
# Since the moment with which an answer is compared; empty: with none.
Change = Literal["", "added", "gone", "unchanged"]
CHANGES: Final = ("added", "gone", "unchanged")


class Results(NamedTuple):
    """Rows after the last write, and how many checks of the latest round failed. A check that only warns does not fail.
    None: not reported."""

    rows: int | None = None
    failed_checks: int | None = None
    checks: int | None = None


NO_RESULTS: Final = Results()


class ColumnLine(NamedTuple):
    """Column of the target that is made of a column of the source. `target`: empty for all columns. `type`: DIRECT or
    INDIRECT; `subtype` may be empty."""

    source: str
    target: str
    type: str
    subtype: str


@dataclass(frozen=True, slots=True)
class FoundNode:
    """Dataset or job of a graph.

    `distance`: in datasets, negative upstream. `state`: of a job, its latest run's; of a dataset, the worst of its
    writers. `partitions`: how many the dataset has, which are one node with it. `similar`: datasets that are perhaps
    one table with it. `jobs`: of a dataset, its writers in the graph. `within`: jobs that frame it or its writers, from
    near to far: their runs started those of the writers. `more_…`: jobs that read or write it and are not in the graph,
    1,000 at most. `columns`: of a dataset, if they were asked for: those of its schema, then others that lines name.
    """

    id: UUID
    kind: NodeKind
    namespace: str
    name: str
    distance: int
    connection_ids: tuple[UUID, ...]
    is_focus: bool
    state: str | None = None
    jobs: tuple[JobDetails, ...] = ()
    job: JobDetails | None = None
    within: tuple[JobDetails, ...] = ()
    last_written_at: datetime | None = None
    results: Results = NO_RESULTS
    aliases: tuple[str, ...] = ()
    partitions: int = 0
    similar: tuple[NamedDataset, ...] = ()
    dropped_at: datetime | None = None
    referenced_only: bool = False
    more_up: int = 0
    more_down: int = 0
    # Statements of its job, or of one of its writers, of which nothing is known.
    extraction: Extraction | None = None
    # What a failure means for it; None: no failure concerns it.
    impact: ImpactState | None = None
    columns: tuple[str, ...] = ()
    change: Change = ""

    @property
    def icon(self) -> str:
        """Return the icon's name in the sprite."""
        if self.kind == "job":
            return "list-check"
        return "stack-2" if self.partitions else "database"

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def in_partitions(self) -> str:
        return f"{self.partitions:,} partition{'' if self.partitions == 1 else 's'}"

    @property
    def title(self) -> str:
        """Return the name, with the number of partitions: `orders (31 partitions)`."""
        return f"{self.shown_name} ({self.in_partitions})" if self.partitions else self.shown_name

    @property
    def shown_name(self) -> str:
        return shown_name(self.name)


@dataclass(frozen=True, slots=True)
class FoundEdge:
    """Line of a graph, from and to the key of a node. `kind`: how it is in use, `renamed`, or `depends` between jobs of
    which one runs after the other. `evidence`: of a line between datasets. `jobs`: ids of those through which it leads;
    `within`: of those that frame these. `is_for_columns`: its jobs are nodes themselves, so that it is there for its
    columns only."""

    source: str
    target: str
    kind: str
    evidence: str = ""
    effects: int = DATA
    last_at: datetime | None = None
    jobs: tuple[UUID, ...] = ()
    within: tuple[UUID, ...] = ()
    columns: tuple[ColumnLine, ...] = ()
    is_for_columns: bool = False
    change: Change = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Nodes and edges, sorted. `left_out`: datasets that the limit keeps out, as far as the walk came. `frames`: jobs
    that frame others, by id."""

    question: Question
    nodes: tuple[FoundNode, ...]
    edges: tuple[FoundEdge, ...]
    left_out: int
    frames: Mapping[UUID, JobDetails]

    @property
    def flows(self) -> list[tuple[str, str]]:
        """Return the ends of all edges but those of jobs that only run one after the other."""
        return [(edge.source, edge.target) for edge in self.edges if edge.kind != "depends"]

    @property
    def focus(self) -> FoundNode | None:
        return next((node for node in self.nodes if node.is_focus), None)
