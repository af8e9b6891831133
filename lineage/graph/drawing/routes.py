"""Ends of lines at the sides of boxes, and their paths."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lineage.graph.drawing.graph import Graph, Way, lane_offset, port_offset
from lineage.graph.drawing.places import ARROW, Places
from lineage.graph.drawing.shapes import Line, PlacedLine

# Distance of two arrowheads, and of two places where lines begin, at one side of a box; and of both from its corners.
_BETWEEN_ENDS = 11
_BETWEEN_STARTS = 8
_CORNER = 8

# Reach of the control points of a turn back: the first, each further one, the last.
_TURN, _WIDER, _WIDEST = 32, 6, 68
# Before all that comes from boxes and bends.
_FIRST = -1e9


@dataclass(frozen=True, slots=True)
class _End:
    """End of one line at one side of a box. Those of one `bundle` are at one place, sorted by what `towards` says."""

    line: int
    box: int
    bundle: Hashable
    towards: float


def ends_of(graph: Graph, lines: Sequence[Line], height: Sequence[float]) -> tuple[list[int], list[int]]:
    """Return the heights at which the lines begin, and those at which they end."""
    starts, ends = [0] * len(lines), [0] * len(lines)
    loose_starts: list[_End] = []
    loose_ends: list[_End] = []
    for index, (line, way) in enumerate(zip(lines, graph.ways, strict=True)):
        source, target = way.vertices[0], way.vertices[-1]
        if line.source_port in graph.boxes[source].ports:
            starts[index] = round(height[source] + port_offset(graph.boxes[source], line.source_port))
        else:
            loose_starts.append(_End(index, source, way.trunk, _after_start(graph, way, height)))
        if line.target_port in graph.boxes[target].ports:
            ends[index] = round(height[target] + port_offset(graph.boxes[target], line.target_port))
        else:
            loose_ends.append(_End(index, target, index, _before_end(graph, way, height)))
    _spread(graph, loose_starts, height, _BETWEEN_STARTS, starts)
    _spread(graph, loose_ends, height, _BETWEEN_ENDS, ends)
    return starts, ends


def _after_start(graph: Graph, way: Way, height: Sequence[float]) -> float:
    if way.lane_out is not None:
        # Turns back stand above all others, and the innermost is the uppermost: so they do not cross.
        return _FIRST - lane_offset(graph.boxes[way.vertices[0]], way.lane_out)
    return height[way.vertices[1]]


def _before_end(graph: Graph, way: Way, height: Sequence[float]) -> float:
    source, target = way.vertices[0], way.vertices[-1]
    if way.lane_in is not None:
        return _FIRST - lane_offset(graph.boxes[target], way.lane_in)
    if way.lane_out is not None:
        return height[source] + lane_offset(graph.boxes[source], way.lane_out)
    return height[way.vertices[-2]]


def _spread(graph: Graph, ends: Sequence[_End], height: Sequence[float], distance: int, result: list[int]) -> None:
    """Give the bundles at each box places of their own, or if they are too many, share the places that there are."""
    sides: dict[int, dict[Hashable, list[_End]]] = defaultdict(lambda: defaultdict(list))
    for end in ends:
        sides[end.box][end.bundle].append(end)
    for box, bundles in sides.items():
        ordered = sorted(bundles.values(), key=lambda bundle: sum(end.towards for end in bundle) / len(bundle))
        head = graph.boxes[box].head or graph.boxes[box].height
        middle = height[box] + port_offset(graph.boxes[box], "")
        room = int((head - 2 * _CORNER) // distance) + 1
        places = max(1, min(room, len(ordered)))
        for rank, bundle in enumerate(ordered):
            place = rank * places // len(ordered) - (places - 1) / 2
            for end in bundle:
                result[end.line] = round(middle + place * distance)


class _Path:
    """SVG path in relative commands, which are shorter and repeat each other more."""

    def __init__(self, x: int, y: int) -> None:
        self.text = f"M{x} {y}"
        self.x = x
        self.y = y

    def across(self, x: int) -> None:
        """Go straight to `x`."""
        if x != self.x:
            self.text += f"h{x - self.x}"
            self.x = x

    def curve(self, x: int, y: int) -> None:
        """Go to another height, level at both ends."""
        if y == self.y:
            self.across(x)
            return
        middle = (x - self.x) // 2
        self.text += f"c{middle} 0 {middle} {y - self.y} {x - self.x} {y - self.y}"
        self.x, self.y = x, y

    def turn(self, y: int, reach: int) -> None:
        """Turn back at another height, with control points at a distance of `reach`."""
        self.text += f"c{reach} 0 {reach} {y - self.y} 0 {y - self.y}"
        self.y = y


class Routes:
    """Draws the ways of lines."""

    def __init__(self, graph: Graph, places: Places) -> None:
        self._graph = graph
        self._places = places

    def line(self, way: Way, start: int, end: int, *, arrow: int) -> PlacedLine:
        """Return the path of `way` between the heights `start` and `end`, ending `arrow` before the target."""
        source, target = way.vertices[0], way.vertices[-1]
        left = self._places.left
        path = _Path(left[source] + self._graph.boxes[source].width, start)
        if way.lane_out is None:
            self._forward(path, way, end)
        else:
            self._back(path, way, way.lane_out, end)
        path.across(left[target] - arrow)
        return PlacedLine(path.text, (left[source] + self._graph.boxes[source].width, start), (path.x, path.y))

    def _forward(self, path: _Path, way: Way, end: int) -> None:
        places = self._places
        for near, far in pairwise(way.vertices):
            y = end if far == way.vertices[-1] else round(places.height[far])
            # A level piece is drawn together with those that follow.
            if y != path.y:
                path.across(places.spans[places.layer[near]][1])
                path.curve(places.spans[places.layer[far]][0] - ARROW, y)

    def _back(self, path: _Path, way: Way, lane: int, end: int) -> None:
        """Turn up into the lane above the source, run left, and turn down to the target's left side."""
        places, boxes = self._places, self._graph.boxes
        source, target = way.vertices[0], way.vertices[-1]
        path.turn(round(places.height[source] + lane_offset(boxes[source], lane)), _reach(lane))
        if way.lane_in is not None:
            for near, far in pairwise(way.vertices):
                offset = lane_offset(boxes[target], way.lane_in) if far == target else 0
                path.across(places.spans[places.layer[near]][0] - ARROW)
                path.curve(places.spans[places.layer[far]][1], round(places.height[far] + offset))
        # Beyond the edge of the layer: its other boxes may be wider than the target.
        path.across(places.spans[places.layer[target]][0] - ARROW)
        path.turn(end, -_reach(lane if way.lane_in is None else way.lane_in))


def _reach(lane: int) -> int:
    return min(_TURN + _WIDER * lane, _WIDEST)
