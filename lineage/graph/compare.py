"""Compares the lineage of two moments: each node and line was added since, is gone, or is unchanged.

The two graphs are walked one by one, each as far as the depth and the limit let it. So a node or a line that only one
of them shows may exist at both moments: that is asked of the jobs themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from lineage.edges.uses import READS, WRITES
from lineage.graph.answer import answer_with_graph
from lineage.graph.asked import Asked
from lineage.graph.found import Answer, Change, FoundEdge, FoundNode
from lineage.graph.question import Question
from lineage.graph.reading import Reads
from lineage.graph.walk import Graph, Line, moment, read_used


@dataclass(frozen=True, slots=True)
class _Moment:
    """Graph of a moment. `lines`: all that the jobs of both graphs read and wrote then."""

    answer: Answer
    graph: Graph
    lines: frozenset[Line]

    def has_edge(self, edge: FoundEdge) -> bool:
        if edge.kind == "renamed":
            return _ids(edge) in self.graph.renames
        source, target = _ids(edge)
        if edge.source.startswith("job:"):
            return Line(source, target, WRITES) in self.lines
        if edge.target.startswith("job:"):
            return Line(target, source, READS) in self.lines
        return any(
            Line(job, source, READS) in self.lines and Line(job, target, WRITES) in self.lines for job in edge.jobs
        )

    def has_node(self, node: FoundNode) -> bool:
        """Tell whether the node is in a line. The focus is in both graphs, whether it existed or not."""
        ends = {end for line in self.lines for end in (line.job_id, line.dataset)}
        ends |= {end for pair in self.graph.renames for end in pair}
        return node.id in ends or (not node.is_focus and any(node.key == one.key for one in self.answer.nodes))


def answer_to(asked: Asked) -> Answer:
    """Answer what is asked, compared with an earlier moment if that is asked for."""
    now, graph = _answer(asked, asked.question)
    if asked.question.compare is None:
        return now
    earlier = replace(asked.question, at=asked.question.compare)
    before, graph_before = _answer(asked, earlier)
    graphs = (graph, graph_before)
    return _joined(
        _Moment(now, graph, _lines(asked.question, graphs)),
        _Moment(before, graph_before, _lines(earlier, graphs)),
    )


def _answer(asked: Asked, question: Question) -> tuple[Answer, Graph]:
    return answer_with_graph(
        question,
        view=asked.view,
        columns=asked.columns,
        run_edges=asked.run_edges,
        failed_at=asked.failed_at,
    )


def _lines(question: Question, graphs: Iterable[Graph]) -> frozenset[Line]:
    """Read what the jobs of these graphs read and wrote at the moment of a question."""
    stands_for: dict[UUID, UUID] = {}
    jobs: set[tuple[UUID, UUID]] = set()
    for graph in graphs:
        stands_for |= {id_: dataset for dataset, names in graph.names.items() for id_ in names}
        jobs |= {(of, job) for job, of in graph.connections.items()}
    _, used = read_used(Reads(question.connection_ids, moment(question)), jobs, varying=question.varying)
    return frozenset(
        Line(job, stands_for.get(one.edge.dataset_id, one.edge.dataset_id), one.edge.direction)
        for job, edges in used.items()
        for one in edges
    )


def _joined(now: _Moment, before: _Moment) -> Answer:
    nodes = {node.key: node for node in (*before.answer.nodes, *now.answer.nodes)}
    edges = {(edge.source, edge.target): edge for edge in (*before.answer.edges, *now.answer.edges)}
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


def _ids(edge: FoundEdge) -> tuple[UUID, UUID]:
    source, target = (UUID(key.partition(":")[2]) for key in (edge.source, edge.target))
    return source, target
