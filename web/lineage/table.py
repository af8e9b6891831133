"""Lines of a graph in words, as a table and as CSV."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse

from lineage.graph.found import Answer, ColumnLine, FoundEdge, FoundNode
from web.lineage.tracing import ColumnAt, Trace
from web.templatetags.observatory import exact_words

# Kind of line → what it means, for the table and the CSV.
KINDS: Final = {
    "current": "in the latest round",
    "varying": "not in every round",
    "declared": "declared by an event about the job or the dataset",
    "implied": "named as a source or a target only",
    "renamed": "renamed",
    "depends": "runs before",
}
_COLUMNS: Final = (
    "from_kind",
    "from_namespace",
    "from",
    "from_similar",
    "to_kind",
    "to_namespace",
    "to",
    "to_similar",
    "kind",
    "evidence",
    "through",
    "within",
    "last_seen",
    "change",
)
# Of each line between columns, if they are asked for.
_OF_COLUMNS: Final = ("from_column", "to_column", "column_type", "column_subtype")


@dataclass(frozen=True, slots=True)
class TableRow:
    """Line of the graph, in words. `through`: the names of the jobs; `within`: of those that frame them. `columns`: the
    lines between columns on it."""

    source: FoundNode
    target: FoundNode
    edge: FoundEdge
    kind: str
    through: str
    within: str
    columns: list[ColumnLine]


def table_rows(found: Answer, trace: Trace | None) -> Iterator[TableRow]:
    """Yield the lines of the graph; of a path, only those on it."""
    nodes = {node.key: node for node in found.nodes}
    jobs = {job.id: job.name for node in found.nodes for job in (*node.jobs, *([node.job] if node.job else []))}
    for edge in found.edges:
        columns = list(edge.columns)
        if trace and trace.columns:
            columns = [line for line in columns if _ends(edge, line) in trace.column_lines]
        if trace is None or not trace.nodes or columns or (edge.source, edge.target) in trace.lines:
            through = ", ".join(sorted(jobs[job] for job in edge.jobs if job in jobs))
            within = ", ".join(found.frames[job].name for job in edge.within if job in found.frames)
            yield TableRow(nodes[edge.source], nodes[edge.target], edge, KINDS[edge.kind], through, within, columns)


def _ends(edge: FoundEdge, line: ColumnLine) -> tuple[ColumnAt, ColumnAt]:
    return ColumnAt(edge.source, line.source), ColumnAt(edge.target, line.target)


def csv_file(found: Answer, trace: Trace | None, *, with_columns: bool) -> HttpResponse:
    """Write a row for each line; with columns, for each line between columns."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="lineage.csv"'
    writer = csv.writer(response)
    writer.writerow((*_COLUMNS, *_OF_COLUMNS) if with_columns else _COLUMNS)
    for row in table_rows(found, trace):
        ends = [_text(value) for node in (row.source, row.target) for value in _of_node(node)]
        jobs = [_text(row.through), _text(row.within)]
        line = [*ends, row.edge.kind, row.edge.evidence, *jobs, exact_words(row.edge.last_at), row.edge.change]
        of_columns = [list(map(_text, column)) for column in row.columns] or [[""] * len(_OF_COLUMNS) * with_columns]
        writer.writerows([*line, *of_column] for of_column in of_columns)
    return response


def _of_node(node: FoundNode) -> tuple[str, str, str, str]:
    similar = ", ".join(f"{one.namespace} {one.name}" for one in node.similar)
    return node.kind, node.namespace, node.title, similar


def _text(value: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
