"""Picture of lineage: the texts of nodes and lines, placed, as the template draws them. Pure; sizes in CSS pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineage.graph.drawing import Box, Drawing, Line, PlacedBox, draw
from lineage.graph.fonts import CODE, HEADING, NAME, SMALL
from lineage.graph.nodes import Arrow, Node, Row, State, Stub, Style, Tone

# Size of a node, of whose parts templates/lineage/_node.html knows the places: name, second line and state; then a row
# for each column.
WIDTH = 186
HEIGHT = 72
ROW = 24
_ABOVE_ROWS, _BELOW_ROWS = 3, 3
# Ring around the node in focus.
RING = 5
_STUB = 28
_STUB_MARGIN = 8
_STUB_PADDING = 9

# Room of the texts beside their icon, and of those in a row.
_ROOM = WIDTH - 31 - 8
_ROOM_OF_ROW = WIDTH - 26
_BETWEEN_TEXTS = 8


# Legend of the lines, and of the nodes by tone (icon, words).
WORDS_OF_STYLES = {
    Style.DATA: "data flow",
    Style.EXPLICIT: "stated by the sender",
    Style.VARYING: "not every run",
    Style.ASSUMED: "assumed",
    Style.RENAMED: "renamed",
    Style.DEPENDS: "runs before",
    Style.COLUMN: "column",
    Style.INDIRECT: "column that only filters, joins or sorts",
    Style.ADDED: "added",
    Style.GONE: "gone",
}
WORDS_OF_TONES = {
    Tone.RED: ("circle-x", "Failed here"),
    Tone.AMBER: ("clock", "Waiting for a run"),
    Tone.VIOLET: ("history", "Built on old data"),
    Tone.GREEN: ("refresh", "Fresh again"),
}


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """Row with the upper edge of its rectangle, and its name as far as it fits."""

    row: Row
    y: int
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class PlacedStub:
    """Tab under a node. `label` is for readers who do not see it."""

    stub: Stub
    x: int
    width: int
    text: str
    label: str

    @property
    def middle(self) -> float:
        """Return where the text is centred."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """Node with its upper left corner, and its texts as far as they fit."""

    node: Node
    x: int
    y: int
    height: int
    title: str
    second: str
    state: str
    label: str
    rows: Sequence[PlacedRow]
    stubs: Sequence[PlacedStub]


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """Frame with its name as far as it fits."""

    name: str
    icon: str
    text: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """Path of a line. `way`: the numbers of its two nodes, in the order of the picture's nodes, for the script."""

    path: str
    way: str
    is_traced: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Values that the template needs. `lines` and `columns` are the paths of each style, in the order to draw.
    `is_tracing`: all that is not traced stands back."""

    label: str
    width: int
    height: int
    frames: Sequence[PlacedFrame]
    lines: Sequence[tuple[Style, Sequence[PlacedArrow]]]
    nodes: Sequence[PlacedNode]
    columns: Sequence[tuple[Style, Sequence[PlacedArrow]]]
    arrowheads: Sequence[Tone]
    styles: Sequence[tuple[Style, str]]
    tones: Sequence[tuple[Tone, str, str]]
    has_focus: bool
    is_tracing: bool = False


def picture_of(
    nodes: Sequence[Node],
    arrows: Sequence[Arrow],
    *,
    label: str,
    icons: Mapping[str, str] | None = None,
    is_tracing: bool = False,
) -> Picture:
    """Draw `nodes` and `arrows`. `icons` gives the icon of each frame's name.

    Raises UnknownBox if an arrow names a node that is not given, and ValueError for two nodes with one id.
    """
    lines = [Line(arrow.source, arrow.target, arrow.source_row, arrow.target_row, arrow.style) for arrow in arrows]
    drawing = draw([_box(node) for node in nodes], lines)
    # The keyboard goes through them in this order.
    placed = sorted(
        (_placed(node, box) for node, box in zip(nodes, drawing.boxes, strict=True)),
        key=lambda one: (one.x, one.y),
    )
    paths = _paths(arrows, drawing, {one.node.id: number for number, one in enumerate(placed)})
    shown = {arrow.style for arrow in arrows}
    tones = {node.tone for node in nodes}
    return Picture(
        label=label,
        width=drawing.width,
        height=drawing.height,
        frames=_frames(drawing, icons or {}),
        lines=[(style, of_style) for style, of_style in paths if not style.is_of_columns],
        nodes=placed,
        columns=[(style, of_style) for style, of_style in paths if style.is_of_columns],
        arrowheads=sorted({style.tone for style in shown}),
        styles=[(style, words) for style, words in WORDS_OF_STYLES.items() if style in shown],
        tones=[(tone, icon, words) for tone, (icon, words) in WORDS_OF_TONES.items() if tone in tones],
        has_focus=any(node.is_focus for node in nodes),
        is_tracing=is_tracing,
    )


def _paths(
    arrows: Sequence[Arrow], drawing: Drawing, number: Mapping[str, int]
) -> list[tuple[Style, Sequence[PlacedArrow]]]:
    """Return the paths by style. What is traced is drawn last, above the others."""
    paths: dict[Style, list[PlacedArrow]] = {style: [] for style in Style}
    for arrow, line in sorted(zip(arrows, drawing.lines, strict=True), key=lambda pair: pair[0].is_traced):
        way = f"{number[arrow.source]} {number[arrow.target]}"
        paths[arrow.style].append(PlacedArrow(line.path, way, arrow.is_traced))
    return [(style, of_style) for style, of_style in paths.items() if of_style]


def _box(node: Node) -> Box:
    """Return the room that a node needs: with the ring, if it is in focus, and with its stubs below."""
    ring = RING if node.is_focus else 0
    ports = {row.port: ring + _top_of_row(index) + ROW // 2 for index, row in enumerate(node.rows)}
    below = _STUB - ring if node.upstream or node.downstream else 0
    return Box(node.id, WIDTH + 2 * ring, _height(node) + 2 * ring, node.frame, ports, HEIGHT + 2 * ring, below)


def _height(node: Node) -> int:
    return HEIGHT + (_ABOVE_ROWS + ROW * len(node.rows) + _BELOW_ROWS if node.rows else 0)


def _top_of_row(index: int) -> int:
    return HEIGHT + _ABOVE_ROWS + ROW * index


def _placed(node: Node, box: PlacedBox) -> PlacedNode:
    ring = RING if node.is_focus else 0
    rows = [
        PlacedRow(
            row,
            _top_of_row(index),
            (CODE if row.is_column else SMALL).cut(row.name, _ROOM_OF_ROW),
            f"{'Column ' * row.is_column}{row.name} of {node.title}",
        )
        for index, row in enumerate(node.rows)
    ]
    return PlacedNode(
        node,
        box.x + ring,
        box.y + ring,
        _height(node),
        NAME.cut(node.title, _ROOM),
        SMALL.cut(node.second, _ROOM),
        _state(node.state) if node.state else "",
        _label(node),
        rows,
        _stubs(node),
    )


def _state(state: State) -> str:
    time = SMALL.width(state.time) + _BETWEEN_TEXTS if state.time else 0
    return HEADING.cut(state.words, max(_ROOM - time, _ROOM / 3))


def _label(node: Node) -> str:
    """Return what a screen reader says: `raw.orders: Fresh, 14:12`."""
    facts = [node.state.words, node.state.time] if node.state else []
    facts += ["dropped"] * node.is_dropped + ["only referenced"] * node.is_referenced_only
    return f"{node.title}: {', '.join(filter(None, facts))}" if facts else node.title


def _stubs(node: Node) -> list[PlacedStub]:
    """Place the tabs below a node: upstream on the left, downstream on the right. Nouns are left out if too long."""
    stubs = [stub for stub in (node.upstream, node.downstream) if stub]
    texts = [f"+{stub.count:,} {stub.nouns}" for stub in stubs]
    room = WIDTH - 2 * _STUB_MARGIN - _BETWEEN_TEXTS * (len(stubs) - 1)
    if sum(map(_width_of_stub, texts)) > room:
        texts = [f"+{stub.count:,}" for stub in stubs]
    return [
        PlacedStub(
            stub,
            WIDTH - _STUB_MARGIN - _width_of_stub(text) if stub is node.downstream else _STUB_MARGIN,
            _width_of_stub(text),
            text,
            f"Show {stub.count:,} more {stub.nouns} of {node.title}",
        )
        for stub, text in zip(stubs, texts, strict=True)
    ]


def _width_of_stub(text: str) -> int:
    return round(HEADING.width(text)) + 2 * _STUB_PADDING


def _frames(drawing: Drawing, icons: Mapping[str, str]) -> list[PlacedFrame]:
    return [
        PlacedFrame(
            frame.name,
            icons.get(frame.name, "plug-connected"),
            HEADING.cut(frame.name, frame.width - 50),
            frame.x,
            frame.y,
            frame.width,
            frame.height,
        )
        for frame in drawing.frames
    ]
