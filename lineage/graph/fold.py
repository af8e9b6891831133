"""Folds a walk into lines between datasets, through the jobs that read the one and write the other. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from lineage.edges.uses import READS, USES, Use, UsedEdge, is_source
from lineage.graph.frames import Frames
from lineage.graph.walk import Graph

Evidence = Literal["explicit", "columns", "assumed"]
# The weakest first.
_EVIDENCE: Final[tuple[Evidence, ...]] = ("assumed", "columns", "explicit")


class FoldedLine(NamedTuple):
    """Data flows from one dataset to another through jobs.

    `within`: jobs that frame those, from near to far. `evidence`: `explicit` if the sender states what the dataset is
    made of; `columns` if it names columns of the one as
    sources of the other; `assumed` if all inputs of a job are taken as sources of all its outputs. `last_at`: the last
    hour in which it was seen.
    """

    source: UUID
    target: UUID
    job_ids: tuple[UUID, ...]
    within: tuple[UUID, ...]
    use: Use
    evidence: Evidence
    last_at: datetime


def use_of_line(edges: list[UsedEdge]) -> Use:
    """Return the strongest use among the edges of one line."""
    return min((edge.use for edge in edges), key=USES.index)


def fold(graph: Graph, sources: Mapping[UUID, set[UUID]], frames: Frames) -> list[FoldedLine]:
    """Return the lines between datasets, sorted. `sources`: id of an edge that writes → ids of the datasets that its
    columns name as sources."""
    reads: dict[UUID, list[tuple[UUID, list[UsedEdge]]]] = defaultdict(list)
    writes: dict[UUID, list[tuple[UUID, list[UsedEdge]]]] = defaultdict(list)
    for line, edges in graph.lines.items():
        (reads if line.direction == READS else writes)[line.job_id].append((line.dataset, edges))
    found: dict[tuple[UUID, UUID], FoldedLine] = {}
    for job, written in writes.items():
        for target, to_target in written:
            named = {id_ for edge in to_target for id_ in sources.get(edge.edge.id, ())}
            within = frames.around(job, target)
            for source, from_source in reads.get(job, ()):
                names = graph.names.get(source, {source})
                is_explicit = is_source(names, (edge.edge.id for edge in to_target), graph.sources)
                # MERGE changes a dataset by what it reads elsewhere.
                is_merged = source == target and len(reads[job]) > 1 and not is_explicit
                if is_explicit is False or is_merged:
                    continue
                if frames.is_drawn_inside(job, source, target):
                    continue
                evidence: Evidence = "explicit" if is_explicit else "columns" if named & names else "assumed"
                flow = _line(job, source, target, (from_source, to_target), evidence)
                _add(found, flow._replace(within=within) if within else flow)
    return sorted(found.values(), key=lambda line: (line.source, line.target))


def _line(
    job: UUID, source: UUID, target: UUID, edges: tuple[list[UsedEdge], list[UsedEdge]], evidence: Evidence
) -> FoldedLine:
    use = max(map(use_of_line, edges), key=USES.index)
    last_at = min(max(edge.edge.last_event_hour for edge in of_side) for of_side in edges)
    return FoldedLine(source, target, (job,), (), use, evidence, last_at)


def _add(found: dict[tuple[UUID, UUID], FoldedLine], line: FoldedLine) -> None:
    """Join lines through several jobs: the strongest use and evidence count."""
    known = found.get((line.source, line.target))
    if known is not None:
        line = FoldedLine(
            line.source,
            line.target,
            tuple(sorted({*known.job_ids, *line.job_ids})),
            tuple(dict.fromkeys((*known.within, *line.within))),
            min(known.use, line.use, key=USES.index),
            max(known.evidence, line.evidence, key=_EVIDENCE.index),
            max(known.last_at, line.last_at),
        )
    found[line.source, line.target] = line
