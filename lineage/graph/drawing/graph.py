"""Graph in layers: boxes and the bends of long lines as numbers, and the way of each line through them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lineage.graph.drawing.layers import layers_of
from lineage.graph.drawing.shapes import Box, Line, UnknownBox

# Distance of two lanes above a box, in which lines run back.
LANE = 10

# Lines with one trunk share their way until they part: number of the source, its row, their kind, are they back.
Trunk = tuple[int, str, str, bool]


@dataclass(frozen=True, slots=True)
class Way:
    """Way of one line: source, bends and target.

    A line back has a lane above its source (`lane_out`), and one above its target unless both are in one layer.
    """

    vertices: list[int]
    trunk: Trunk
    lane_out: int | None = None
    lane_in: int | None = None


@dataclass(slots=True)
class Graph:
    """Vertices are numbers: first the boxes in the order in which they are given, then the bends.

    `links` are the pieces of lines between two neighbouring layers: left vertex, right vertex, and how far below the
    middle of each the piece ends. `bends` has the bends of each trunk, from its source on: layer → vertex. `lanes`
    counts the lanes above each box.
    """

    boxes: Sequence[Box]
    layers: list[list[int]]
    ways: list[Way] = field(default_factory=list)
    links: set[tuple[int, int, float, float]] = field(default_factory=set)
    bends: dict[Trunk, dict[int, int]] = field(default_factory=dict)
    lanes: list[int] = field(default_factory=list)


def graph_of(boxes: Sequence[Box], lines: Sequence[Line]) -> Graph:
    """Put `boxes` into layers and give each of `lines` its way. Raises UnknownBox."""
    number = {box.id: index for index, box in enumerate(boxes)}
    for line in lines:
        for end in (line.source, line.target):
            if end not in number:
                raise UnknownBox(f"a line names the box {end!r}, which is not among the boxes")
    layer_of = layers_of(len(boxes), dict.fromkeys((number[line.source], number[line.target]) for line in lines))
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for box, layer in enumerate(layer_of):
        layers[layer].append(box)
    tracer = _Tracer(layers, layer_of)
    ways = [tracer.way_of(line, number[line.source], number[line.target]) for line in lines]
    links = {link for line, way in zip(lines, ways, strict=True) for link in _links(boxes, line, way)}
    return Graph(boxes, layers, ways, links, tracer.bends, [len(lanes) for lanes in tracer.lanes])


def lane_offset(box: Box, lane: int) -> float:
    """Return how far a lane is below the middle of the box that it passes (negative: above)."""
    return -box.height / 2 - LANE * (lane + 1)


def port_offset(box: Box, port: str) -> float:
    """Return how far a row's middle is below the box's. A row that the box does not have counts as its head."""
    return box.ports.get(port, (box.head or box.height) / 2) - box.height / 2


class _Tracer:
    """Gives lines their ways. Adds bends to layers, and lanes to boxes."""

    def __init__(self, layers: list[list[int]], layer_of: Sequence[int]) -> None:
        self._layers = layers
        self._layer_of = layer_of
        self._vertices = len(layer_of)
        self.bends: dict[Trunk, dict[int, int]] = {}
        self.lanes: list[dict[tuple[str, Trunk], int]] = [{} for _ in layer_of]

    def way_of(self, line: Line, source: int, target: int) -> Way:
        first, last = self._layer_of[source], self._layer_of[target]
        trunk = (source, line.source_port, line.kind, first >= last)
        if first < last:
            return Way([source, *self._bends_of(trunk, range(first + 1, last)), target], trunk)
        lane_out = self._lane(source, "out", trunk)
        lane_in = self._lane(target, "in", trunk) if first > last else None
        return Way([source, *self._bends_of(trunk, range(first - 1, last, -1)), target], trunk, lane_out, lane_in)

    def _lane(self, box: int, direction: str, trunk: Trunk) -> int:
        return self.lanes[box].setdefault((direction, trunk), len(self.lanes[box]))

    def _bends_of(self, trunk: Trunk, layers: range) -> list[int]:
        bends = self.bends.setdefault(trunk, {})
        for layer in layers:
            if layer not in bends:
                bends[layer] = self._vertices
                self._layers[layer].append(self._vertices)
                self._vertices += 1
        return [bends[layer] for layer in layers]


def _links(boxes: Sequence[Box], line: Line, way: Way) -> list[tuple[int, int, float, float]]:
    source, target = boxes[way.vertices[0]], boxes[way.vertices[-1]]
    last = len(way.vertices) - 2
    if way.lane_out is None:
        start, end = port_offset(source, line.source_port), port_offset(target, line.target_port)
        return [
            (left, right, start if index == 0 else 0, end if index == last else 0)
            for index, (left, right) in enumerate(pairwise(way.vertices))
        ]
    if way.lane_in is None:
        return []
    start, end = lane_offset(source, way.lane_out), lane_offset(target, way.lane_in)
    return [
        (left, right, end if index == last else 0, start if index == 0 else 0)
        for index, (right, left) in enumerate(pairwise(way.vertices))
    ]
