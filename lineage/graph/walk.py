"""Walk from a dataset, a job or a run along the edges that are in use, breadth first.

After its first step a walk keeps its direction: what is downstream of A is not all that shares a job with A. A dataset
is visited once, so cycles end.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.reading import NOW
from lineage.edges.uses import NO_ROUND, READS, WRITES, Round, StoredEdge, UsedEdge, edges_in_use, is_source
from lineage.events.effects import EXPLICIT
from lineage.events.explicit_lineage import Explicit
from lineage.events.identity import dataset_id
from lineage.graph.question import SHORT_ID, Question
from lineage.graph.reading import Reads

UP: Final = "up"
DOWN: Final = "down"
# Direction of the edge between a dataset and the job that comes next on the way.
_TO_JOB: Final = {DOWN: READS, UP: WRITES}
_FROM_JOB: Final = {DOWN: WRITES, UP: READS}
# Times that one dataset was renamed, which are followed in a chain.
_MOST_RENAMES: Final = 10
# Edges whose jobs are read at once: few of a hub's readers fill a graph.
_EDGES_AT_ONCE: Final = 64
Place = tuple[UUID, str]  # dataset, way


class _Near(NamedTuple):
    """Job beside a dataset, which is that far away. `dataset`: None if the lineage of the job is not explicit."""

    job_id: UUID
    way: str
    distance: int
    dataset: UUID | None


class Line(NamedTuple):
    """A job reads or writes a dataset. `dataset`: the one that stands for all of its names."""

    job_id: UUID
    dataset: UUID
    direction: str


@dataclass(slots=True)
class Graph:
    """Result of a walk. Distances count datasets from the focus; they are negative upstream."""

    datasets: dict[UUID, int] = field(default_factory=dict)
    jobs: dict[UUID, int] = field(default_factory=dict)
    # Connection of each job.
    connections: dict[UUID, UUID] = field(default_factory=dict)
    lines: dict[Line, list[UsedEdge]] = field(default_factory=dict)
    # (dataset before, dataset after)
    renames: set[tuple[UUID, UUID]] = field(default_factory=set)
    # (source, target): without a job between them.
    derived: set[tuple[UUID, UUID]] = field(default_factory=set)
    # Dataset → the ids of all its names; of a stack also those of its partitions.
    names: dict[UUID, set[UUID]] = field(default_factory=dict)
    # Datasets whose partitions are one node. There may be no dataset with such an id.
    stacks: set[UUID] = field(default_factory=set)
    # Edge that writes, or dataset → its explicit lineage, and the ids of the datasets that this names.
    explicit: dict[UUID, Explicit] = field(default_factory=dict)
    sources: dict[UUID, set[UUID]] = field(default_factory=dict)
    # Datasets that are left out because the graph is full.
    left_out: set[UUID] = field(default_factory=set)
    focus: UUID | None = None


def walk(question: Question, reads: Reads, start_edges: Collection[UUID] = ()) -> Graph:
    """Walk. `start_edges`: ids of the edges of the run that is the focus."""
    return _Walk(question, reads).run(start_edges)


def moment(question: Question) -> datetime:
    return question.at or NOW


def read_used(
    reads: Reads, jobs: set[tuple[UUID, UUID]], *, varying: bool
) -> tuple[dict[UUID, Round], dict[UUID, list[UsedEdge]]]:
    """Return the rounds of jobs, and their edges in use by the job as it is shown. `jobs`: (connection id, job id). Two
    queries, and one for each job whose run was renamed."""
    if not jobs:
        return {}, {}
    rounds = reads.rounds(jobs)
    by_job: dict[UUID, list[StoredEdge]] = defaultdict(list)
    for edge in reads.edges_of_jobs(jobs):
        by_job[edge.job_id].append(edge)
    used: dict[UUID, list[UsedEdge]] = defaultdict(list)
    for connection_id, job in sorted(jobs):
        if (of := rounds.get(job)) is None:
            continue
        edges = by_job[job]
        # Edges of a former name of the job.
        if others := of.edge_ids - {edge.id for edge in edges}:
            edges = edges + reads.edges(connection_id, others)
        _add_used(used[of.job_id], edges_in_use(edges, of, varying=varying))
    return rounds, used


def _add_used(used: list[UsedEdge], more: list[UsedEdge]) -> None:
    """Add edges of a job that are not among those in use yet."""
    known = {one.edge.id for one in used}
    used += [one for one in more if one.edge.id not in known]


def sources_of(explicit: Mapping[UUID, Explicit]) -> dict[UUID, set[UUID]]:
    """Return edge or dataset → the ids of the datasets that its explicit lineage names."""
    return {id_: {dataset_id(*name) for name in of.inputs} for id_, of in explicit.items()}


def stated_in(pairs: Iterable[tuple[UUID, UUID]], sources: Mapping[UUID, Collection[UUID]]) -> set[tuple[UUID, UUID]]:
    """Return the (source, target) that the latest explicit lineage of the target names."""
    return {(source, target) for source, target in pairs if source in sources.get(target, ())}


class _Walk:
    def __init__(self, question: Question, reads: Reads) -> None:
        self._asked, self._reads = question, reads
        self._graph = Graph()
        # Dataset → the one that stands for all of its names.
        self._stands_for: dict[UUID, UUID] = {}
        self._rounds: dict[UUID, Round] = {}
        # (dataset before, dataset after), and (source, target), under any of their names.
        self._renames: set[tuple[UUID, UUID]] = set()
        self._derived: set[tuple[UUID, UUID]] = set()
        # Job as it is shown → its edges in use.
        self._used: dict[UUID, list[UsedEdge]] = defaultdict(list)
        self._visited: set[Place] = set()

    def run(self, start_edges: Collection[UUID]) -> Graph:
        frontier = self._start(start_edges)
        for _ in range(self._asked.depth - (self._asked.focus.kind != "dataset")):
            # In a full graph the frontier ends as it does at the depth.
            if not frontier or self._graph.left_out:
                break
            frontier = self._step(frontier)
        while places := self._to_expand():
            self._step(places)
        if self._graph.left_out:
            self._leave_out_jobs()
        return self._graph

    def _leave_out_jobs(self) -> None:
        """Remove the readers of which the full graph shows nothing that they write: they are no ends."""
        graph = self._graph
        writers = {line.job_id for line in graph.lines if line.direction == WRITES}
        cut = {
            job
            for job in graph.jobs.keys() - writers - {graph.focus}
            if any(one.edge.direction == WRITES and self._is_left_out(one) for one in self._used[job])
        }
        graph.jobs = {job: distance for job, distance in graph.jobs.items() if job not in cut}
        graph.lines = {line: edges for line, edges in graph.lines.items() if line.job_id not in cut}

    def _is_left_out(self, one: UsedEdge) -> bool:
        return self._stands_for.get(one.edge.dataset_id) in self._graph.left_out

    def _to_expand(self) -> list[Place]:
        """Return the datasets whose neighbours are asked for, on both sides, as far as they are not known yet."""
        asked = self._asked.expand
        known = self._stands_for.items() if asked else ()
        found = {dataset for id_, dataset in known if not asked.isdisjoint((str(id_), str(id_)[:SHORT_ID]))}
        expanded = sorted(found & self._graph.datasets.keys())
        places = [(dataset, way) for dataset in expanded for way in (UP, DOWN)]
        return [place for place in places if place not in self._visited]

    def _ways(self) -> tuple[str, ...]:
        return (UP, DOWN) if self._asked.direction == "both" else (self._asked.direction,)

    def _start(self, start_edges: Collection[UUID]) -> list[Place]:
        focus = self._asked.focus
        if focus.kind == "dataset":
            self._learn_names([focus.id])
            dataset = self._graph.focus = self._stands_for[focus.id]
            self._graph.datasets[dataset] = 0
            places = [(dataset, way) for way in self._ways()]
            return places + [place for way in self._ways() for place in self._add_renamed(dataset, way)]
        connection_id = focus.connection_id
        if connection_id is None:
            raise ValueError("a job and a run belong to a connection")
        if focus.kind == "run":
            edges = self._reads.edges(connection_id, start_edges)
            job = focus.id
            used = [UsedEdge(edge, job, "current") for edge in edges]
            self._learn_explicit(used)
        else:
            job, used = self._job(focus.id, connection_id)
        self._graph.focus = job
        self._graph.jobs[job], self._graph.connections[job] = 0, connection_id
        self._learn_names({one.edge.dataset_id for one in used})
        return [place for way in self._ways() for place in self._add_far_side(used, way, 0)]

    def _job(self, job_id: UUID, connection_id: UUID) -> tuple[UUID, list[UsedEdge]]:
        self._learn_jobs({(connection_id, job_id)})
        shown = self._rounds[job_id].job_id if job_id in self._rounds else job_id
        return shown, self._used[shown]

    def _step(self, frontier: list[Place]) -> list[Place]:
        """Go from datasets over their jobs to the next datasets."""
        self._visited.update(frontier)
        wanted = {(id_, _TO_JOB[way]) for dataset, way in frontier for id_ in self._graph.names[dataset]}
        edges = self._reads.edges_of_datasets(wanted)
        was_full = bool(self._graph.left_out)
        found: list[Place] = []
        for first in range(0, len(edges), _EDGES_AT_ONCE):
            some = edges[first : first + _EDGES_AT_ONCE]
            if self._graph.left_out and not was_full:
                # No more readers are shown. Writers are needed: a dataset has the state of the worst one.
                some = [edge for edge in some if edge.direction == WRITES]
            found += self._follow(frontier, some)
        for dataset, way in frontier:
            found += self._add_derived(dataset, way)
        return [place for place in dict.fromkeys(found) if place not in self._visited]

    def _follow(self, frontier: list[Place], edges: list[StoredEdge]) -> list[Place]:
        """Add the jobs at these edges of the frontier, and the datasets behind them. Returns the places of these."""
        self._learn_jobs({(edge.connection_id, edge.job_id) for edge in edges})
        near = list(self._near_side(frontier, edges))
        self._learn_names(
            {
                one.edge.dataset_id
                for job, way, _, dataset in near
                for one in self._used[job]
                # Explicit lineage is looked up on both sides.
                if dataset is not None or one.edge.direction == _FROM_JOB[way]
            }
        )
        found: list[Place] = []
        for job, way, distance, dataset in dict.fromkeys(near):
            found += self._add_far_side(self._connected(job, way, dataset), way, distance)
        return found

    def _near_side(self, frontier: list[Place], edges: list[StoredEdge]) -> Iterator[_Near]:
        """Add the lines between the frontier and its jobs. Yields each job, and the way and distance of its dataset; of
        a job with explicit lineage the dataset, too."""
        ways: dict[tuple[UUID, str], str] = {(dataset, _TO_JOB[way]): way for dataset, way in frontier}
        for edge in edges:
            dataset = self._stands_for[edge.dataset_id]
            used = edges_in_use([edge], self._rounds.get(edge.job_id, NO_ROUND), varying=self._asked.varying)
            way = ways.get((dataset, edge.direction))
            for one in used if way else ():
                distance = self._graph.datasets[dataset]
                self._graph.jobs.setdefault(one.job_id, distance)
                self._add_line(one, dataset)
                near = dataset if self._is_explicit(one.job_id) else None
                yield _Near(one.job_id, way or "", distance, near)

    def _is_explicit(self, job: UUID) -> bool:
        return any(one.edge.id in self._graph.sources for one in self._used[job])

    def _connected(self, job: UUID, way: str, dataset: UUID | None) -> list[UsedEdge]:
        """Return the edges of a job, without those that explicit lineage does not connect with the dataset."""
        used, names = self._used[job], self._graph.names
        if dataset is None:
            return used
        written: dict[UUID, list[UUID]] = defaultdict(list)
        for one in used:
            if one.edge.direction == WRITES:
                written[self._stands_for[one.edge.dataset_id]].append(one.edge.id)
        found = []
        for one in used:
            other = self._stands_for[one.edge.dataset_id]
            source, target = (dataset, other) if way == DOWN else (other, dataset)
            if is_source(names[source], written[target], self._graph.sources) is not False:
                found.append(one)
        return found

    def _add_far_side(self, used: Iterable[UsedEdge], way: str, distance: int) -> list[Place]:
        """Add the datasets at the other side of a job, which was reached at this distance. Returns their places."""
        places = []
        for one in used:
            if one.edge.direction != _FROM_JOB[way]:
                continue
            dataset = self._stands_for[one.edge.dataset_id]
            if self._add_dataset(dataset, distance + (1 if way == DOWN else -1)):
                self._add_line(one, dataset)
                places.append((dataset, way))
                places += self._add_renamed(dataset, way)
        return places

    def _add_renamed(self, dataset: UUID, way: str) -> list[Place]:
        """Add the dataset under its earlier names, or its later ones, at no distance."""
        distance = self._graph.datasets[dataset]
        places: dict[Place, None] = {}
        waiting = [dataset]
        for one in waiting:
            for other in self._renames_of(one, way):
                if other != dataset and (other, way) not in places and self._add_dataset(other, distance):
                    places[other, way] = None
                    waiting.append(other)
        return list(places)

    def _add_derived(self, dataset: UUID, way: str) -> list[Place]:
        """Add what is derived from a dataset, or what it is derived from."""
        names, ends = self._graph.names[dataset], sorted(self._derived)
        others = (
            [target for source, target in ends if source in names]
            if way == DOWN
            else [source for source, target in ends if target in names]
        )
        self._learn_names(others)
        places, distance = [], self._graph.datasets[dataset] + (1 if way == DOWN else -1)
        for other in (self._stands_for[id_] for id_ in others):
            if other != dataset and self._add_dataset(other, distance):
                self._graph.derived.add((dataset, other) if way == DOWN else (other, dataset))
                places.append((other, way))
        return places

    def _renames_of(self, dataset: UUID, way: str) -> list[UUID]:
        if way == UP:
            return [before for before, after in sorted(self._graph.renames) if after == dataset]
        return [after for before, after in sorted(self._graph.renames) if before == dataset]

    def _add_dataset(self, dataset: UUID, distance: int) -> bool:
        if dataset in self._graph.datasets:
            return True
        if len(self._graph.datasets) >= self._asked.limit:
            self._graph.left_out.add(dataset)
            return False
        self._graph.datasets[dataset] = distance
        return True

    def _add_line(self, one: UsedEdge, dataset: UUID) -> None:
        self._graph.connections[one.job_id] = one.edge.connection_id
        line = self._graph.lines.setdefault(Line(one.job_id, dataset, one.edge.direction), [])
        if one not in line:
            line.append(one)

    def _learn_jobs(self, jobs: set[tuple[UUID, UUID]]) -> None:
        """Read the rounds and edges of jobs that are new."""
        rounds, found = read_used(
            self._reads, {key for key in jobs if key[1] not in self._rounds}, varying=self._asked.varying
        )
        self._rounds |= rounds
        for job, edges in found.items():
            _add_used(self._used[job], edges)
        self._learn_explicit([one for job in found for one in self._used[job]])

    def _learn_explicit(self, used: Iterable[UsedEdge]) -> None:
        self._learn_sources(
            {one.edge.id for one in used if one.edge.direction == WRITES and one.edge.effects & EXPLICIT}
        )

    def _learn_sources(self, ids: set[UUID]) -> None:
        found = self._reads.explicit(ids - self._graph.explicit.keys())
        self._graph.explicit |= found
        self._graph.sources |= sources_of(found)

    def _learn_names(self, datasets: Collection[UUID]) -> None:
        """Read the other names of datasets that are new, and what they were called before or after."""
        new = set(datasets) - self._stands_for.keys()
        for _ in range(_MOST_RENAMES):
            if not new:
                break
            self._read_names(new)
            new = {id_ for pair in self._renames for id_ in pair} - self._stands_for.keys()
        for id_ in new:
            self._join(id_, {id_})
        pairs = ((self._stands_for[before], self._stands_for[after]) for before, after in self._renames)
        self._graph.renames = {(before, after) for before, after in pairs if before != after}

    def _read_names(self, new: set[UUID]) -> None:
        found = self._reads.names(new)
        bases = {start: base for start, base in found.bases.items() if not found.names[start].is_table}
        partitions = self._reads.partitions(set(bases.values())) if bases else {}
        for start, of in found.names.items():
            base = bases.get(start)
            self._join(base or of.main, {*of.ids, *(partitions.get(base, ()) if base else ())})
            if base:
                self._graph.stacks.add(base)
        self._renames.update(found.renames)
        self._learn_derived(found.derived)

    def _join(self, main: UUID, ids: set[UUID]) -> None:
        """Let `main` stand for all of these names, as far as nothing else does."""
        for id_ in (main, *ids):
            self._stands_for.setdefault(id_, main)
        self._graph.names.setdefault(self._stands_for[main], set()).update(ids)

    def _learn_derived(self, pairs: list[tuple[UUID, UUID]]) -> None:
        """Learn what events about datasets say that these are made of, as far as the latest ones do."""
        self._learn_sources({target for _, target in pairs})
        self._derived |= stated_in(pairs, self._graph.sources)
