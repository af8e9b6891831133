"""Frames: of two jobs that write one dataset, where a run of the one started the run of the other, the inner job is the
producer that is drawn, and the outer one is its frame. A task that starts a model is one. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from lineage.edges.uses import READS, WRITES
from lineage.graph.walk import Graph, Line


class Above(NamedTuple):
    """Job whose run started the latest run of the job `inner`. `steps`: how many runs up."""

    inner: UUID
    connection_id: UUID
    job_id: UUID
    steps: int


class Frames:
    """Frames of one graph. `above`: jobs above those of the graph. `writes`: the datasets that they write, whether the
    walk came by or not."""

    def __init__(self, graph: Graph, above: Iterable[Above], writes: Mapping[UUID, set[UUID]]) -> None:
        self._above: dict[UUID, dict[UUID, int]] = defaultdict(dict)
        for one in above:
            if writes.get(one.job_id):
                self._above[one.inner][one.job_id] = one.steps
        self._outer = {outer for of_one in self._above.values() for outer in of_one}
        self._reads: dict[UUID, set[UUID]] = defaultdict(set)
        self._writers: dict[UUID, set[UUID]] = defaultdict(set)
        for line in graph.lines:
            if line.direction == READS:
                self._reads[line.job_id].add(line.dataset)
            else:
                self._writers[line.dataset].add(line.job_id)
        for job in self._outer:
            for dataset in writes[job]:
                self._writers[dataset].add(job)
        # A job that is the focus is drawn in any case.
        self._focus = graph.focus

    def around(self, job: UUID, dataset: UUID) -> tuple[UUID, ...]:
        """Return the jobs around a job that write this dataset, too, from near to far."""
        if job not in self._above:
            return ()
        outer = {id_ for id_ in self._writers[dataset] - {job} if self._is_within(job, id_)}
        return tuple(sorted(outer, key=lambda id_: (self._above[job][id_], id_)))

    def around_all(self, job: UUID) -> tuple[UUID, ...]:
        """Return the jobs around a job that write any of its datasets, from near to far."""
        if job not in self._above:
            return ()
        outer = {id_ for dataset, jobs in self._writers.items() if job in jobs for id_ in self.around(job, dataset)}
        return tuple(sorted(outer, key=lambda id_: (self._above[job][id_], id_)))

    def inner(self, job: UUID, dataset: UUID) -> set[UUID]:
        """Return the jobs for which this one is a frame, as far as a dataset is concerned."""
        if job == self._focus or job not in self._outer:
            return set()
        return {id_ for id_ in self._writers[dataset] - {job} if self._is_within(id_, job)}

    def is_drawn_inside(self, job: UUID, source: UUID, target: UUID) -> bool:
        """Tell whether a line from `source` to `target` through a job is drawn through one that it started."""
        return any(source in self._reads[id_] for id_ in self.inner(job, target))

    def hidden(self) -> set[Line]:
        """Return the lines that are not drawn: a job writes what a job inside writes, and that reads all that it reads;
        and what it reads, if nothing else is left that it writes."""
        written: dict[UUID, set[UUID]] = defaultdict(set)
        covered: dict[UUID, set[UUID]] = defaultdict(set)
        for dataset, writers in self._writers.items():
            for job in writers & self._outer:
                written[job].add(dataset)
                if self._is_covered(job, dataset):
                    covered[job].add(dataset)
        hidden = {Line(job, dataset, WRITES) for job, datasets in covered.items() for dataset in datasets}
        frames = (job for job, datasets in covered.items() if datasets == written[job])
        return hidden | {Line(job, dataset, READS) for job in frames for dataset in self._reads[job]}

    def _is_covered(self, job: UUID, dataset: UUID) -> bool:
        inner = self.inner(job, dataset)
        return bool(inner) and self._reads[job] <= {read for id_ in inner for read in self._reads[id_]}

    def _is_within(self, job: UUID, outer: UUID) -> bool:
        """Two jobs whose runs start one another are no frames of each other."""
        return outer in self._above.get(job, {}) and job not in self._above.get(outer, {})
