"""Answer to a question on lineage: nodes and edges, from which the picture, the table, the CSV and the API are made."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from lineage.datasets.changes import read_drops
from lineage.datasets.checks import Tests, read_tests
from lineage.datasets.likeness import NamedDataset, count_partitions, read_similar
from lineage.datasets.writes import LastWrite, read_last_writes, read_row_counts
from lineage.edges.uses import READS, WRITES
from lineage.events.column_lineage import DIRECT, Columns
from lineage.events.event import Extraction
from lineage.events.explicit_lineage import columns_of
from lineage.events.identity import base_id, base_name, dataset_id, match_id
from lineage.graph.counts import count_jobs
from lineage.graph.details import DatasetDetails, Details, JobDetails
from lineage.graph.fold import FoldedLine, fold, use_of_line
from lineage.graph.found import Answer, ColumnLine, FoundEdge, FoundNode, Results
from lineage.graph.frames import Above, Frames
from lineage.graph.impact import State as ImpactState
from lineage.graph.impact import Writer, impact
from lineage.graph.question import ColumnLines, Question, View
from lineage.graph.reading import Reads
from lineage.graph.relations import DependentJobs, read_dependencies, read_extractions
from lineage.graph.schemas import read_column_names
from lineage.graph.walk import Graph, Line, moment, read_used, walk
from lineage.models.run_state import worst_state

_TEST: Final = "TEST"


def answer(
    question: Question,
    *,
    view: View,
    columns: ColumnLines = "false",
    run_edges: Iterable[UUID] = (),
    failed_at: datetime | None = None,
) -> Answer:
    """Answer a question as of one moment: see answer_with_graph."""
    found, _ = answer_with_graph(question, view=view, columns=columns, run_edges=run_edges, failed_at=failed_at)
    return found


def answer_with_graph(
    question: Question,
    *,
    view: View,
    columns: ColumnLines = "false",
    run_edges: Iterable[UUID] = (),
    failed_at: datetime | None = None,
) -> tuple[Answer, Graph]:
    """Answer a question. `view`: lines between datasets, or with the jobs between them. `run_edges`: of the run that is
    the focus. `failed_at`: when it began, if it failed.

    Four statements for each level, three for each 64 edges more, one for each job whose run was renamed and for each
    rename in a chain, thirteen more, one for jobs that depend on others, two for columns, and three if partitions or
    frames are in it."""
    reads = Reads(question.connection_ids, moment(question))
    graph = walk(question, reads, tuple(run_edges))
    return _Answer(question, graph, reads, failed_at).make(view, columns), graph


class _Known(NamedTuple):
    """All that was read of datasets, by id; `details`: by each name; `counts`: of the jobs that write or read it."""

    details: dict[UUID, DatasetDetails]
    counts: dict[tuple[UUID, str], int]
    writes: dict[UUID, LastWrite]
    rows: dict[UUID, int]
    tests: dict[UUID, Tests]
    drops: dict[UUID, datetime]
    partitions: dict[UUID, int]
    similar: dict[UUID, list[NamedDataset]]
    impact: dict[UUID, ImpactState]


class _Answer:
    def __init__(self, question: Question, graph: Graph, reads: Reads, failed_at: datetime | None) -> None:
        self._asked, self._graph, self._reads, self._failed_at = question, graph, reads, failed_at
        self._details = Details(question.connection_ids, moment(question))
        self._extractions: dict[UUID, Extraction] = {}
        every: dict[UUID, list[Line]] = defaultdict(list)
        for line in graph.lines:
            if line.direction == WRITES:
                every[line.dataset].append(line)
        self._frames, self._connections = self._read_frames()
        self._hidden = self._frames.hidden()
        # Dataset → the lines that are drawn through which jobs write it.
        self._writes = {
            dataset: [line for line in lines if line not in self._hidden] for dataset, lines in every.items()
        }

    def _read_frames(self) -> tuple[Frames, dict[UUID, UUID]]:
        """Read the jobs that frame writers. Returns also the connection of each job, with those that frame."""
        graph = self._graph
        writers = {line.job_id for line in graph.lines if line.direction == WRITES}
        above = [Above(*row) for row in self._reads.above((graph.connections[job], job) for job in writers)]
        connections = graph.connections | {one.job_id: one.connection_id for one in above}
        outer = {(one.connection_id, one.job_id) for one in above}
        _, used = read_used(self._reads, outer, varying=self._asked.varying)
        if not used:
            return Frames(graph, (), {}), connections
        stands_for = {id_: dataset for dataset, names in graph.names.items() for id_ in names}
        writes = {
            job: {
                stands_for[id_]
                for one in edges
                if one.edge.direction == WRITES and (id_ := one.edge.dataset_id) in stands_for
            }
            for job, edges in used.items()
        }
        return Frames(graph, above, writes), connections

    def make(self, view: View, lines: ColumnLines) -> Answer:
        columns = self._columns() if view == "datasets" or lines != "false" else {}
        flows = fold(self._graph, {edge: _datasets_of(of) for edge, of in columns.items()}, self._frames)
        depend = self._dependencies() if view == "jobs" else []
        jobs = self._read_jobs()
        self._extractions = read_extractions(
            [(job.connection_id, job.id) for job in jobs.values()], moment(self._asked)
        )
        shown_jobs = self._shown_jobs(jobs, view)
        edges = self._folded(flows, shown_jobs, columns, lines) + self._lines_of(shown_jobs)
        nodes = self._dataset_nodes(jobs, self._impact(flows))
        if lines != "false":
            nodes = self._with_columns(nodes, edges)
        nodes += [self._job_node(job, jobs) for id_, job in jobs.items() if id_ in shown_jobs]
        edges += self._renames() + self._derived(columns, lines) + [_depends(one) for one in depend]
        known = {node.key for node in nodes}
        shown = [edge for edge in edges if edge.source in known and edge.target in known]
        return Answer(
            self._asked,
            tuple(sorted(nodes, key=lambda node: (node.distance, node.kind, node.name, node.id))),
            tuple(sorted(shown, key=lambda edge: (edge.source, edge.target, edge.kind))),
            len(self._graph.left_out - self._graph.datasets.keys()),
            {job: jobs[job] for edge in shown for job in edge.within if job in jobs},
        )

    def _read_jobs(self) -> dict[UUID, JobDetails]:
        """Read the jobs of the graph, and those that frame them."""
        drawn = (line for lines in self._writes.values() for line in lines)
        around = {job for line in drawn for job in self._frames.around(line.job_id, line.dataset)}
        return self._details.jobs([(self._connections[job], job) for job in sorted(self._graph.jobs.keys() | around)])

    def _shown_jobs(self, jobs: dict[UUID, JobDetails], view: View) -> set[UUID]:
        """Return the jobs that are nodes. Between datasets those that read and write nothing: no line tells of them.
        Tests are left out."""
        drawn = {line.job_id for line in self._graph.lines if line not in self._hidden}
        writers = {line.job_id for line in self._graph.lines if line.direction == WRITES}
        ends = {id_ for id_ in self._graph.jobs.keys() - writers if id_ in jobs and jobs[id_].kind != _TEST}
        return {id_ for id_ in jobs if (view == "jobs" and id_ in drawn) or id_ == self._graph.focus or id_ in ends}

    def _columns(self) -> dict[UUID, Columns]:
        """Read the sources of all columns that are written, by edge."""
        lines = (line for lines in self._writes.values() for line in lines)
        found = self._details.columns({one.edge.id for line in lines for one in self._graph.lines[line]})
        return found | {id_: columns_of(of, found.get(id_)) for id_, of in self._graph.explicit.items()}

    def _folded(
        self, flows: list[FoldedLine], shown_jobs: set[UUID], columns: dict[UUID, Columns], lines: ColumnLines
    ) -> list[FoundEdge]:
        """Return the lines between datasets. Where jobs stand between them, those that have lines between columns."""
        edges = [
            FoundEdge(
                f"dataset:{line.source}",
                f"dataset:{line.target}",
                line.use,
                line.evidence,
                last_at=line.last_at,
                jobs=line.job_ids,
                within=line.within,
                columns=self._column_lines(line.source, line.target, columns, lines),
                is_for_columns=shown_jobs.issuperset(line.job_ids),
            )
            for line in flows
        ]
        return [edge for edge in edges if edge.columns or not edge.is_for_columns]

    def _derived(self, columns: dict[UUID, Columns], lines: ColumnLines) -> list[FoundEdge]:
        """Return the lines between datasets that no job makes."""
        found = []
        for source, target in sorted(self._graph.derived):
            of_columns = self._column_lines(source, target, columns, lines)
            keys = f"dataset:{source}", f"dataset:{target}"
            found.append(FoundEdge(*keys, "declared", "explicit", columns=of_columns))
        return found

    def _dependencies(self) -> list[DependentJobs]:
        """Read which jobs of the graph run after which, and add those before and after the job that is the focus."""
        graph = self._graph
        found = read_dependencies(graph.jobs, self._asked.connection_ids, moment(self._asked))
        for one in found:
            ways = {"up": (one.target, one.source), "down": (one.source, one.target)}
            for way, (near, far) in ways.items():
                if near == graph.focus and self._asked.direction in (way, "both"):
                    graph.jobs.setdefault(far, 0)
                    self._connections.setdefault(far, one.connection_id)
        return found

    def _column_lines(
        self, source: UUID, target: UUID, columns: dict[UUID, Columns], lines: ColumnLines
    ) -> tuple[ColumnLine, ...]:
        if lines == "false":
            return ()
        names = self._graph.names.get(source, {source})
        written = {one.edge.id for line in self._writes.get(target, ()) for one in self._graph.lines[line]}
        # What events about a dataset say has its id.
        said = [columns[id_] for id_ in (*written, *self._names_of(target)) if id_ in columns]
        fields = [item for one in said for item in (*one.fields.items(), ("", one.dataset))]
        found = {
            ColumnLine(field.field, name, field.type, field.subtype)
            for name, sources in fields
            for field in sources
            if (lines == "all" or field.type == DIRECT) and dataset_id(field.namespace, field.name) in names
        }
        return tuple(sorted(found))

    def _with_columns(self, nodes: list[FoundNode], edges: list[FoundEdge]) -> list[FoundNode]:
        """Add their columns to the nodes of datasets."""
        names = {node.id: self._names_of(node.id) for node in nodes}
        found = read_column_names(names, self._asked.connection_ids, moment(self._asked))
        named: dict[str, set[str]] = defaultdict(set)
        for edge in edges:
            named[edge.source].update(line.source for line in edge.columns)
            named[edge.target].update(line.target for line in edge.columns)
        return [
            replace(node, columns=tuple(dict.fromkeys([*found.get(node.id, ()), *sorted(named[node.key] - {""})])))
            for node in nodes
        ]

    def _lines_of(self, shown_jobs: set[UUID]) -> list[FoundEdge]:
        """Return the lines between jobs that are shown and their datasets."""
        found = []
        for line, edges in self._graph.lines.items():
            if line.job_id not in shown_jobs or line in self._hidden:
                continue
            job, dataset = f"job:{line.job_id}", f"dataset:{line.dataset}"
            source, target = (dataset, job) if line.direction == READS else (job, dataset)
            effects = 0
            for one in edges:
                effects |= one.edge.effects
            last_at = max(one.edge.last_event_hour for one in edges)
            within = self._frames.around(line.job_id, line.dataset) if line.direction == WRITES else ()
            found.append(
                FoundEdge(
                    source,
                    target,
                    use_of_line(edges),
                    effects=effects,
                    last_at=last_at,
                    jobs=(line.job_id,),
                    within=within,
                )
            )
        return found

    def _renames(self) -> list[FoundEdge]:
        return [FoundEdge(f"dataset:{before}", f"dataset:{after}", "renamed") for before, after in self._graph.renames]

    def _impact(self, flows: list[FoldedLine]) -> dict[UUID, ImpactState]:
        """Return what failures mean for the datasets of the graph."""
        writes = [line for lines in self._writes.values() for line in lines]
        by_job = self._details.writers(sorted({(self._graph.connections[line.job_id], line.job_id) for line in writes}))
        writers: dict[UUID, Writer] = {}
        for line in sorted(writes):
            writer = by_job.get(line.job_id, Writer())
            # Of several writers the one that failed counts, else the one that completed last.
            known = writers.setdefault(line.dataset, writer)
            if known.failed_at is None and (writer.failed_at or _later(writer.completed_at, known.completed_at)):
                writers[line.dataset] = writer
        focus = {line.dataset: self._failed_at for line in writes if line.job_id == self._graph.focus}
        failed = {dataset: at for dataset, at in focus.items() if at is not None}
        pairs = [*((line.source, line.target) for line in flows), *sorted(self._graph.derived)]
        views = {target for _, target in self._graph.derived} - writers.keys()
        return impact(pairs, writers, self._graph.datasets, failed_before=failed, views=views)

    def _dataset_nodes(self, jobs: dict[UUID, JobDetails], states: dict[UUID, ImpactState]) -> list[FoundNode]:
        known = self._read_all(states)
        beside: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
        for line in self._graph.lines:
            beside[line.dataset, line.direction].add(line.job_id)
        nodes = []
        for id_ in self._graph.datasets:
            writers = tuple(jobs[line.job_id] for line in sorted(self._writes.get(id_, ())) if line.job_id in jobs)
            around = dict.fromkeys(outer for job in writers for outer in self._frames.around(job.id, id_))
            shown = len(beside[id_, WRITES] | around.keys()), len(beside[id_, READS])
            node = self._dataset_node(id_, known, writers, shown)
            within = tuple(jobs[outer] for outer in around if outer in jobs)
            nodes += [replace(node, within=within)] if node else []
        return nodes

    def _read_all(self, states: dict[UUID, ImpactState]) -> _Known:
        names = {dataset: self._names_of(dataset) for dataset in self._graph.datasets}
        details = self._details.datasets({id_ for of_one in names.values() for id_ in of_one})
        of, at = self._asked.connection_ids, moment(self._asked)
        writes = read_last_writes(names, of, at=at)
        stacks = self._graph.stacks & names.keys()
        # Partitions come and go; that does not drop the dataset.
        single = {id_: of_one for id_, of_one in names.items() if id_ not in stacks}
        return _Known(
            details,
            count_jobs(names, of, at=at, varying=self._asked.varying),
            writes,
            read_row_counts(names, of, at=at),
            read_tests(names, of, at=at),
            read_drops(single, of, {id_: write.ended_at for id_, write in writes.items()}, at=at),
            count_partitions(stacks, of),
            read_similar(self._matches(names, details), names, of),
            states,
        )

    def _matches(self, names: dict[UUID, list[UUID]], details: dict[UUID, DatasetDetails]) -> dict[UUID, set[UUID]]:
        """Return dataset → the match ids of its names. Those of a stack are without the partitions."""
        found: dict[UUID, set[UUID]] = defaultdict(set)
        for dataset, of_one in names.items():
            is_stack = dataset in self._graph.stacks
            for one in (details[name] for name in of_one if name in details):
                found[dataset].add(match_id(one.namespace, base_name(one.name) if is_stack else one.name))
        return found

    def _dataset_node(
        self, id_: UUID, known: _Known, writers: tuple[JobDetails, ...], shown: tuple[int, int]
    ) -> FoundNode | None:
        """Make the node of a dataset. `shown`: how many of its writers and of its readers are in the graph."""
        names = self._names_of(id_)
        own = [known.details[name] for name in names if name in known.details]
        if not own:
            return None
        first = known.details.get(id_, own[0])
        is_stack = id_ in self._graph.stacks
        up, down = (
            max(known.counts.get((id_, direction), 0) - count, 0)
            for direction, count in zip((WRITES, READS), shown, strict=True)
        )
        write, tests = known.writes.get(id_), known.tests.get(id_)
        return FoundNode(
            id_,
            "dataset",
            first.namespace,
            base_name(first.name) if is_stack else first.name,
            self._graph.datasets[id_],
            tuple(sorted({connection for one in own for connection in one.connection_ids})),
            is_focus=self._graph.focus == id_,
            state=worst_state(job.state for job in writers),
            jobs=writers,
            last_written_at=write.ended_at if write else None,
            results=Results(known.rows.get(id_), *((tests.in_trouble, len(tests.results)) if tests else (None, None))),
            aliases=tuple(f"{one.namespace} {one.name}" for one in own if not _is_part(one, id_)),
            partitions=known.partitions.get(id_, 0),
            similar=tuple(known.similar.get(id_, ())),
            dropped_at=known.drops.get(id_),
            referenced_only=not any(one.described or one.is_written for one in own),
            more_up=up,
            more_down=down,
            extraction=max((self._extractions[job.id] for job in writers if job.id in self._extractions), default=None),
            impact=known.impact.get(id_),
        )

    def _names_of(self, dataset: UUID) -> list[UUID]:
        return sorted(self._graph.names.get(dataset, {dataset}))

    def _job_node(self, job: JobDetails, jobs: dict[UUID, JobDetails]) -> FoundNode:
        return FoundNode(
            job.id,
            "job",
            job.namespace,
            job.name,
            self._graph.jobs[job.id],
            (job.connection_id,),
            is_focus=self._graph.focus == job.id,
            state=job.state,
            job=job,
            within=tuple(jobs[id_] for id_ in self._frames.around_all(job.id) if id_ in jobs),
            extraction=self._extractions.get(job.id),
        )


def _depends(one: DependentJobs) -> FoundEdge:
    return FoundEdge(f"job:{one.source}", f"job:{one.target}", "depends", effects=0, last_at=one.last_at)


def _is_part(one: DatasetDetails, dataset: UUID) -> bool:
    """Tell whether a name is that of the dataset itself, or of a partition of it."""
    return dataset == one.id or dataset == base_id(one.namespace, one.name)


def _datasets_of(columns: Columns) -> set[UUID]:
    every = (source for sources in (*columns.fields.values(), columns.dataset) for source in sources)
    return {dataset_id(source.namespace, source.name) for source in every}


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)
