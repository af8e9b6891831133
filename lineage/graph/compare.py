"""Compares the lineage of two moments: each node and line was added since, is gone, or is unchanged.

The two graphs are walked one by one, each as far as the depth and the limit let it. So a node or a line that only one
of them shows may exist at both moments: that is asked of the jobs and datasets themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from lineage.edges.uses import READS, WRITES
from lineage.graph.answer import answer_with_graph
from lineage.graph.asked import Asked
from lineage.graph.found import Answer, Change, FoundEdge, FoundNode
from lineage.graph.question import Question
from lineage.graph.reading import Reads
from lineage.graph.relations import read_dependencies
from lineage.graph.walk import Graph, Line, moment, read_used, sources_of, stated_in

# Kind of the lines that lead through jobs.
_FLOW: Final = "flow"


class _Direct(NamedTuple):
    """Line that leads through no job. `kind`: `renamed` or `derived` between datasets, `depends` between jobs."""

    kind: str
    source: UUID
    target: UUID


@dataclass(frozen=True, slots=True)
class _Moment:
    """Graph of a moment. `lines`: all that the jobs of both graphs read and wrote then. `direct`: other lines of both
    graphs that existed then. `ends`: jobs and datasets of all these lines."""

    answer: Answer
    lines: frozenset[Line]
    direct: frozenset[_Direct]
    ends: frozenset[UUID]

    def has_edge(self, edge: FoundEdge) -> bool:
        kind = _kind(edge)
        source, target = _ids(edge)
        if kind != _FLOW:
            return _Direct(kind, source, target) in self.direct
        if edge.source.startswith("job:"):
            return Line(source, target, WRITES) in self.lines
        if edge.target.startswith("job:"):
            return Line(target, source, READS) in self.lines
        return any(
            Line(job, source, READS) in self.lines and Line(job, target, WRITES) in self.lines for job in edge.jobs
        )

    def has_node(self, node: FoundNode) -> bool:
        """Tell whether the node is in a line. The focus is in both graphs, whether it existed or not."""
        return node.id in self.ends or (not node.is_focus and any(node.key == one.key for one in self.answer.nodes))


def answer_to(asked: Asked) -> Answer:
    """Answer what is asked, compared with an earlier moment if that is asked for."""
    now, graph = _answer(asked, asked.question)
    if asked.question.compare is None:
        return now
    earlier = replace(asked.question, at=asked.question.compare)
    before, graph_before = _answer(asked, earlier)
    graphs, edges = (graph, graph_before), (*now.edges, *before.edges)
    return _joined(
        *(_moment(of, question, graphs, edges) for of, question in ((now, asked.question), (before, earlier)))
    )


def _answer(asked: Asked, question: Question) -> tuple[Answer, Graph]:
    return answer_with_graph(
        question,
        view=asked.view,
        columns=asked.columns,
        run_edges=asked.run_edges,
        failed_at=asked.failed_at,
    )


def _moment(of: Answer, question: Question, graphs: Iterable[Graph], edges: Iterable[FoundEdge]) -> _Moment:
    """Read what existed at the moment of a question. `graphs`, `edges`: of both moments."""
    stands_for: dict[UUID, UUID] = {}
    jobs: set[tuple[UUID, UUID]] = set()
    for graph in graphs:
        stands_for |= {id_: dataset for dataset, names in graph.names.items() for id_ in names}
        jobs |= {(of, job) for job, of in graph.connections.items()}
    reads = Reads(question.connection_ids, moment(question))
    _, used = read_used(reads, jobs, varying=question.varying)
    lines = frozenset(
        Line(job, stands_for.get(one.edge.dataset_id, one.edge.dataset_id), one.edge.direction)
        for job, edges_of_job in used.items()
        for one in edges_of_job
    )
    direct = frozenset(_direct_lines(question, reads, edges, stands_for))
    ends = {end for line in lines for end in (line.job_id, line.dataset)}
    ends |= {end for direct_line in direct for end in (direct_line.source, direct_line.target)}
    return _Moment(of, lines, direct, frozenset(ends))


def _direct_lines(
    question: Question, reads: Reads, edges: Iterable[FoundEdge], stands_for: Mapping[UUID, UUID]
) -> Iterator[_Direct]:
    """Yield the lines between the ends of those that lead through no job. No query if there are none."""
    ends: dict[str, set[UUID]] = defaultdict(set)
    for edge in edges:
        ends[_kind(edge)].update(_ids(edge))
    for one in read_dependencies(ends["depends"], question.connection_ids, moment(question)):
        yield _Direct("depends", one.source, one.target)
    shown = ends["renamed"] | ends["derived"]
    if not shown:
        return
    names = reads.names({id_ for id_, dataset in stands_for.items() if dataset in shown})
    pairs: dict[str, Iterable[tuple[UUID, UUID]]] = {
        "renamed": names.renames,
        "derived": stated_in(names.derived, sources_of(reads.explicit({target for _, target in names.derived}))),
    }
    for kind, of_kind in pairs.items():
        for source, target in of_kind:
            yield _Direct(kind, stands_for.get(source, source), stands_for.get(target, target))


def _joined(now: _Moment, before: _Moment) -> Answer:
    nodes = {node.key: node for node in (*before.answer.nodes, *now.answer.nodes)}
    # A dataset may be renamed to another one, and a job copy the one to the other.
    edges = {(edge.source, edge.target, _kind(edge)): edge for edge in (*before.answer.edges, *now.answer.edges)}
    return replace(
        now.answer,
        nodes=tuple(
            replace(node, change=_change(before.has_node(node), now.has_node(node)))
            for node in sorted(nodes.values(), key=lambda node: (node.distance, node.kind, node.name, node.id))
        ),
        edges=tuple(
            replace(edges[key], change=_change(before.has_edge(edges[key]), now.has_edge(edges[key])))
            for key in sorted(edges)
        ),
        left_out=max(now.answer.left_out, before.answer.left_out),
        frames={**before.answer.frames, **now.answer.frames},
    )


def _change(was: bool, is_now: bool) -> Change:
    if was == is_now:
        return "unchanged"
    return "added" if is_now else "gone"


def _kind(edge: FoundEdge) -> str:
    if edge.kind in ("renamed", "depends"):
        return edge.kind
    return _FLOW if edge.jobs else "derived"


def _ids(edge: FoundEdge) -> tuple[UUID, UUID]:
    source, target = (UUID(key.partition(":")[2]) for key in (edge.source, edge.target))
    return source, target
