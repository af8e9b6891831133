"""Columns as rows of a graph's nodes, and the lines between them."""

from collections import defaultdict
from typing import Final
from urllib.parse import urljoin

from django.urls import reverse

from lineage.events.column_lineage import DIRECT
from lineage.graph.found import Answer, FoundNode
from lineage.graph.nodes import OTHER_COLUMNS, Arrow, Row, Style
from web.lineage.choices import LineageChoices
from web.lineage.tracing import ColumnAt, Trace, column_pairs, column_url

# Rows of one node: fewer where there are many nodes, so that a picture stays readable.
_MOST_ROWS: Final = 12
_FEWEST_ROWS: Final = 4
_MOST_IN_PICTURE: Final = 400

Rows = dict[str, list[Row]]


def rows_of(answer: Answer, trace: Trace | None, choices: LineageChoices) -> Rows:
    """Return key of a node → its rows: columns with lines first, then others, each in the order of the schema."""
    with_lines = {column for pair in column_pairs(answer) for column in pair}
    most = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_IN_PICTURE // max(len(answer.nodes), 1)))
    traced = trace.columns if trace else frozenset()
    rows = {}
    for node in answer.nodes:
        if node.columns:
            columns = [ColumnAt(node.key, name) for name in node.columns]
            # A link to one column would take the room of that column.
            room = most if len(columns) > most + 1 else len(columns)
            shown = sorted(columns, key=lambda one: (one not in traced, one not in with_lines))[:room]
            in_order = sorted(shown, key=lambda one: (one not in with_lines, columns.index(one)))
            rows[node.key] = [_row(column, traced, choices) for column in in_order]
            rows[node.key] += _link_to_others(node, len(columns) - len(shown), choices)
    return rows


def _row(column: ColumnAt, traced: frozenset[ColumnAt], choices: LineageChoices) -> Row:
    return Row(column.name, column_url(column, choices), is_highlighted=column in traced)


def _link_to_others(node: FoundNode, count: int, choices: LineageChoices) -> list[Row]:
    if not count:
        return []
    address = f"{reverse('dataset', args=[node.id])}?all=columns#columns"
    if node.partitions:
        address = f"{reverse('datasets')}?base={node.id}"
    return [Row(f"+{count:,} more columns", urljoin(choices.path, address), is_column=False)]


def column_arrows(answer: Answer, rows: Rows, trace: Trace | None) -> list[Arrow]:
    """Return the lines from row to row. Columns without a row of their own share one."""
    ports: dict[str, set[str]] = defaultdict(set)
    for key, of_node in rows.items():
        ports[key] = {row.port for row in of_node}
    found: dict[tuple[str, str, str, str], Arrow] = {}
    for edge in answer.edges:
        for line in edge.columns:
            source = line.source if line.source in ports[edge.source] else OTHER_COLUMNS
            # A line to all columns ends at the node's head.
            target = line.target if line.target in ports[edge.target] or not line.target else OTHER_COLUMNS
            style = Style.COLUMN if line.type == DIRECT else Style.INDIRECT
            ends = ColumnAt(edge.source, line.source), ColumnAt(edge.target, line.target)
            is_traced = trace is not None and (ends in trace.column_lines or (edge.source, edge.target) in trace.lines)
            place = edge.source, edge.target, source, target
            known = found.get(place)
            if known is not None:
                style = min(style, known.style, key=(Style.COLUMN, Style.INDIRECT).index)
                is_traced |= known.is_traced
            found[place] = Arrow(edge.source, edge.target, style, source, target, is_traced)
    return list(found.values())
