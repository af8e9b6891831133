"""Path that the reader follows through a graph: of a column, of all that leads to and from a node, or between two."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from lineage.graph.asked import WrongParameter
from lineage.graph.found import Answer, FoundNode
from lineage.graph.paths import between, leading_from, leading_to, through
from lineage.graph.question import SHORT_ID
from web.lineage.choices import LineageChoices

_MOST_STOPS: Final = 8
_KINDS: Final = ("dataset", "job")


class ColumnAt(NamedTuple):
    """Column of a node. `node`: its key. `name`: empty for all columns."""

    node: str
    name: str


Lines = frozenset[tuple[str, str]]
ColumnPair = tuple[ColumnAt, ColumnAt]


@dataclass(frozen=True, slots=True)
class Stop:
    """Column where the path of another one begins or ends, with the number of steps, and the URL of its own path.
    `column`: empty for all columns."""

    column: str
    dataset: str
    steps: int
    url: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Path through a graph.

    `nodes`, `lines`: the keys on it. `columns`, `column_lines`: of the path of a column; else empty. `words`: what it
    shows, in a sentence. `origins`, `ends`: where the path of a column begins and ends.
    """

    title: str
    words: str
    close_url: str
    nodes: frozenset[str] = frozenset()
    lines: Lines = frozenset()
    columns: frozenset[ColumnAt] = frozenset()
    column_lines: frozenset[ColumnPair] = frozenset()
    origins: tuple[Stop, ...] = ()
    ends: tuple[Stop, ...] = ()

    @property
    def origins_shown(self) -> tuple[Stop, ...]:
        return self.origins[:_MOST_STOPS]

    @property
    def ends_shown(self) -> tuple[Stop, ...]:
        return self.ends[:_MOST_STOPS]


def column_pairs(answer: Answer) -> Iterator[ColumnPair]:
    """Yield the two ends of each line between columns."""
    for edge in answer.edges:
        for line in edge.columns:
            yield ColumnAt(edge.source, line.source), ColumnAt(edge.target, line.target)


def trace_of(answer: Answer, choices: LineageChoices) -> Trace | None:
    """Return the path that the URL asks for, if any. Raises WrongParameter."""
    nodes = {node.key: node for node in answer.nodes}
    if text := choices.get("column"):
        return _of_column(answer, nodes, _column(text), choices)
    first, second = (_node_key(choices, name) for name in ("from", "to"))
    if not first:
        return _of_node(answer, nodes, second, choices) if second else None
    return _between(answer, nodes, (first, second), choices) if second else _of_node(answer, nodes, first, choices)


def _of_column(answer: Answer, nodes: Mapping[str, FoundNode], column: ColumnAt, choices: LineageChoices) -> Trace:
    close_url = choices.url(column=None)
    node = nodes.get(column.node)
    if node is None or column.name not in node.columns:
        return Trace("Column path", f"The column “{column.name}” is not in this graph.", close_url)
    pairs = set(column_pairs(answer))
    before, after = leading_to(pairs, column), leading_from(pairs, column)
    columns = frozenset({*before, *after})
    on_path = frozenset(pair for pair in pairs if pair[1] in before or pair[0] in after)
    ways = {(source.node, target.node) for source, target in on_path}
    jobs = {f"job:{job}" for edge in answer.edges if (edge.source, edge.target) in ways for job in edge.jobs}

    def stops(steps: Mapping[ColumnAt, int], inner: Iterable[ColumnAt]) -> tuple[Stop, ...]:
        last = set(steps) - set(inner) - {column}
        found = (Stop(one.name, nodes[one.node].shown_name, steps[one], column_url(one, choices)) for one in last)
        return tuple(sorted(found, key=lambda stop: (-stop.steps, stop.dataset, stop.column)))

    return Trace(
        "Column path",
        f"{column.name} of {node.shown_name}",
        close_url,
        frozenset({one.node for one in columns} | (jobs & nodes.keys())),
        columns=columns,
        column_lines=on_path,
        origins=stops(before, (target for _, target in pairs)),
        ends=stops(after, (source for source, _ in pairs)),
    )


def column_url(column: ColumnAt, choices: LineageChoices) -> str:
    """Return the URL of a column's path."""
    _, _, id_ = column.node.partition(":")
    text = f"{id_}:{column.name}"
    return choices.url(column=text, select=column.node, **{"from": None, "to": None})


def _of_node(answer: Answer, nodes: Mapping[str, FoundNode], key: str, choices: LineageChoices) -> Trace:
    close_url = choices.lock(None, None)
    if key not in nodes:
        return Trace("Path", "The node of the path is not in this graph.", close_url)
    lines = through(answer.flows, key)
    words = (
        f"All that leads to {nodes[key].shown_name}, and all that it leads to. “Path to here” at another node shows "
        "the ways between the two."
    )
    return Trace("Path", words, close_url, _nodes_of(lines) | {key}, frozenset(lines))


def _between(answer: Answer, nodes: Mapping[str, FoundNode], keys: tuple[str, str], choices: LineageChoices) -> Trace:
    close_url = choices.lock(None, None)
    first, second = keys
    if first not in nodes or second not in nodes:
        return Trace("Path", "A node of the path is not in this graph.", close_url)
    pairs = answer.flows
    lines = between(pairs, first, second)
    if not lines and (back := between(pairs, second, first)):
        lines, (first, second) = back, (second, first)
    names = f"from {nodes[first].shown_name} to {nodes[second].shown_name}"
    words = f"All ways {names}." if lines or first == second else f"No way leads {names}, nor back, in this graph."
    return Trace("Path", words, close_url, _nodes_of(lines) | {first, second}, frozenset(lines))


def _nodes_of(lines: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(key for line in lines for key in line)


def _column(text: str) -> ColumnAt:
    dataset, _, name = text.partition(":")
    if not _is_id(dataset) or not name:
        raise WrongParameter("column", "Expected `<id of a dataset>:<column>`.")
    return ColumnAt(f"dataset:{UUID(dataset)}", name)


def _node_key(choices: LineageChoices, name: str) -> str:
    text = choices.get(name)
    kind, _, id_ = text.partition(":")
    if not text or (kind in _KINDS and len(id_) == SHORT_ID):
        return text
    if kind not in _KINDS or not _is_id(id_):
        raise WrongParameter(name, "Expected `dataset:<id>` or `job:<id>`.")
    return f"{kind}:{UUID(id_)}"


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
