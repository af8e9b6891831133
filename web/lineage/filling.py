"""Fills the picture of lineage with the texts of an answer."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from connections.kinds import kind_of
from connections.models import Connection
from lineage.datasets.names import shown_name
from lineage.events.extraction import in_short
from lineage.graph.found import Answer, FoundEdge, FoundNode
from lineage.graph.nodes import Arrow, Node, Row, State, Stub, Style, Tone
from lineage.graph.picture import Picture, picture_of
from lineage.runs.times import local
from web.lineage.choices import LineageChoices
from web.lineage.columns import Rows, column_arrows, rows_of
from web.lineage.tracing import Trace

_STATES: Final[Mapping[str, State]] = {
    "FAILED": State("Failed", "circle-x", Tone.RED),
    "LOST": State("Lost", "help-circle", Tone.RED),
    "RUNNING": State("Running", "loader-2", Tone.PLAIN),
}
_IMPACTS: Final[Mapping[str, State]] = {
    "waiting": State("Waiting", "clock", Tone.AMBER),
    "old_data": State("Old data", "history", Tone.VIOLET),
    "fresh_again": State("Fresh again", "refresh", Tone.GREEN),
}
_CHANGES: Final[Mapping[str, State]] = {
    "added": State("Added", "plus", Tone.GREEN),
    "gone": State("Gone", "x", Tone.GRAY),
}
_TONED: Final = (Tone.RED, Tone.AMBER, Tone.VIOLET)
_WRITTEN: Final = ("Written", "circle-check", Tone.GREEN)
_STYLES: Final[Mapping[str, Style]] = {
    "varying": Style.VARYING,
    "renamed": Style.RENAMED,
    "depends": Style.DEPENDS,
}
_STYLES_OF_EVIDENCE: Final[Mapping[str, Style]] = {"explicit": Style.EXPLICIT, "assumed": Style.ASSUMED}
_STYLES_OF_IMPACTS: Final[Mapping[str, Style]] = {
    "waiting": Style.AMBER,
    "old_data": Style.VIOLET,
    "fresh_again": Style.GREEN,
}
_STYLES_OF_CHANGES: Final[Mapping[str, Style]] = {"added": Style.ADDED, "gone": Style.GONE}
_MARK_OF_JOB: Final = "list-check"


def picture(
    answer: Answer,
    choices: LineageChoices,
    connections: Mapping[UUID, Connection],
    trace: Trace | None,
    *,
    now: datetime,
) -> Picture:
    """Draw an answer. `connections`: by id. `trace`: what the reader follows."""
    rows = rows_of(answer, trace, choices)
    nodes = [_node(node, frame_of(node, connections), choices, rows, now) for node in answer.nodes]
    traced = trace.nodes if trace else frozenset()
    locked = (choices.get("from"), choices.get("to")) if traced and trace and not trace.columns else ()
    icons = {of.name: kind_of(of.type).icon for of in connections.values()}
    focus = answer.focus
    count = len(answer.nodes)
    label = f"Lineage of {focus.shown_name if focus else 'nothing'}, {count} node{'' if count == 1 else 's'}"
    return picture_of(
        [replace(node, is_traced=node.id in traced, is_locked=node.id in locked) for node in nodes],
        [*_arrows(answer, trace), *column_arrows(answer, rows, trace)],
        label=label,
        icons=icons,
        is_tracing=bool(traced),
    )


def frame_of(node: FoundNode, connections: Mapping[UUID, Connection]) -> str:
    """Return the name of the connection whose jobs write a dataset; empty if none does, or several do."""
    writers = {job.connection_id for job in node.jobs} or ({node.job.connection_id} if node.job else set())
    names = sorted(connections[id_].name for id_ in writers if id_ in connections)
    return names[0] if len(names) == 1 else ""


def state_of(node: FoundNode, now: datetime) -> State | None:
    """Return the state that a node shows, with its time."""
    at = node.job.run_at if node.job else node.last_written_at
    time = short_time(at, now=now)
    if node.dropped_at and node.change not in _CHANGES:
        return State("Dropped", "trash", Tone.GRAY, short_time(node.dropped_at, now=now))
    known = _CHANGES.get(node.change) or _IMPACTS.get(node.impact or "") or _STATES.get(node.state or "")
    if known is not None:
        return replace(known, time=time)
    if node.job:
        return State("Completed", "circle-check", Tone.GREEN, time) if node.state == "COMPLETED" else None
    if at is not None:
        return State(*_WRITTEN, time)
    return State("Only referred to" if node.referenced_only else "No write known", "circle-dashed", Tone.GRAY)


def short_time(at: datetime | None, *, now: datetime) -> str:
    """Return `14:12` for a time of today, `29 Nov` for one of this year, else `2025-11-29`."""
    if at is None:
        return ""
    at, now = local(at), local(now)
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at:%Y-%m-%d}"


def _node(node: FoundNode, frame: str, choices: LineageChoices, rows: Rows, now: datetime) -> Node:
    state = state_of(node, now)
    second, icon = second_line(node)
    more_up, more_down = node.more_up, node.more_down
    expand = choices.expand(node.id) if more_up or more_down else ""
    return Node(
        node.key,
        node.shown_name,
        choices.url(select=node.key),
        icon=node.icon,
        second=second,
        second_icon=icon,
        state=state,
        tone=_tone(node, state),
        frame=frame,
        rows=[*similar_row(node, choices), *rows.get(node.key, ())],
        upstream=Stub(more_up, "writer", expand) if more_up else None,
        downstream=Stub(more_down, "reader", expand) if more_down else None,
        is_focus=node.is_focus,
        is_dropped=node.dropped_at is not None,
        is_gone=node.change == "gone",
        is_referenced_only=node.referenced_only,
    )


def similar_row(node: FoundNode, choices: LineageChoices) -> list[Row]:
    """Return the row with the hint that another dataset is perhaps one table with it."""
    if not node.similar:
        return []
    first = node.similar[0]
    return [
        Row(
            f"Same as {first.namespace} {shown_name(first.name)}?",
            choices.url(node=f"dataset:{first.id}", select=None, expand=None),
            is_column=False,
        )
    ]


def _tone(node: FoundNode, state: State | None) -> Tone:
    """Return the colour of a node: that of a failure, and of what it means for others."""
    is_toned = state is not None and (state.tone in _TONED or node.impact == "fresh_again")
    return state.tone if state and is_toned else Tone.PLAIN


def second_line(node: FoundNode) -> tuple[str, str]:
    """Return what stands below a node's name, and its icon: the job that frames it, its partitions, the job that writes
    it, how many do that are not in the graph, or where it comes from. That lineage is incomplete comes before all."""
    if node.extraction:
        return in_short(node.extraction), "alert-triangle"
    if node.within:
        return f"within {node.within[0].name}", "stack-2"
    if node.job:
        return node.namespace, "box"
    partitions = f"{node.in_partitions}, " if node.partitions else ""
    match node.jobs:
        case [] if not node.more_up:
            return f"{partitions}outside: {node.namespace}", "external-link"
        case [job]:
            return partitions + job.name, _MARK_OF_JOB
        case jobs:
            count = len(jobs) or node.more_up
            return f"{partitions}{count:,} job{'' if count == 1 else 's'}", _MARK_OF_JOB


def _arrows(answer: Answer, trace: Trace | None) -> Iterator[Arrow]:
    """Yield the lines between nodes."""
    impacts = {node.key: node.impact for node in answer.nodes}
    lines = trace.lines if trace else frozenset()
    for edge in answer.edges:
        if not edge.is_for_columns:
            is_traced = (edge.source, edge.target) in lines
            yield Arrow(edge.source, edge.target, _style(edge, impacts), is_traced=is_traced)


def _style(edge: FoundEdge, impacts: Mapping[str, str | None]) -> Style:
    if edge.change in _STYLES_OF_CHANGES:
        return _STYLES_OF_CHANGES[edge.change]
    style = _STYLES.get(edge.kind) or _STYLES_OF_EVIDENCE.get(edge.evidence, Style.DATA)
    if impacts.get(edge.source) and edge.kind not in ("renamed", "depends"):
        # On the way of a failure.
        return _STYLES_OF_IMPACTS.get(impacts.get(edge.target) or "", style)
    return style
