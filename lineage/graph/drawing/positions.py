"""Heights of the vertices in each layer: lines as straight as the order and the distances allow."""

from collections.abc import Sequence

from lineage.graph.drawing.graph import LANE, Graph, lane_offset, port_offset
from lineage.graph.drawing.isotonic import isotonic

# Space of a frame above its first box, where the name stands, and on its other sides.
HEADING = 44
PADDING = 14

_BETWEEN_BOXES = 28
_BETWEEN_FRAMES = 20
_BESIDE_A_LANE = 15
_BETWEEN_LANES = 9

_ROUNDS = 6
_WEIGHT_OF_LOOSE = 0.1

# Neighbours of each vertex: the other vertex, and how far it is above this one where their line is level.
Neighbours = list[list[tuple[int, float]]]


class Column:
    """Layer from top to bottom, with the least distances.

    `steps` are the heights of the vertices if all stand as close as allowed below 0, `end` the lower edge of the last.
    """

    def __init__(self, graph: Graph, vertices: Sequence[int]) -> None:
        self.vertices = vertices
        self.steps: list[float] = []
        self.end = 0.0
        first, last = _edges_of_frames(graph, vertices)
        upper = None
        for vertex in vertices:
            above = HEADING if vertex in first else 0
            edge_of_frame = bool(above) or upper in last
            self.end += _gap(graph, upper, vertex, edge_of_frame=edge_of_frame) + above + _above(graph, vertex)
            self.steps.append(self.end)
            self.end += _below(graph, vertex) + (PADDING if vertex in last else 0)
            upper = vertex


def columns_of(graph: Graph, layers: Sequence[Sequence[int]]) -> list[Column]:
    """Return the columns of `layers`, which are in order."""
    return [Column(graph, layer) for layer in layers]


def heights(graph: Graph, columns: Sequence[Column], *, top: int) -> list[float]:
    """Return the height of each vertex's middle. The uppermost edge of all is at `top`; boxes begin at whole pixels."""
    height = [0.0] * sum(len(column.vertices) for column in columns)
    for column in columns:
        for vertex, step in zip(column.vertices, column.steps, strict=True):
            height[vertex] = step - column.end / 2
    left, right = _neighbours(graph, len(height))
    for _ in range(_ROUNDS):
        for column in columns[1:]:
            _settle(column, height, left)
        for column in columns[-2::-1]:
            _settle(column, height, right)
    both = [before + after for before, after in zip(left, right, strict=True)]
    for column in [*columns, *columns[::-1]]:
        _settle(column, height, both)
    _straighten(graph, columns, height)
    highest = min((height[column.vertices[0]] - column.steps[0] for column in columns), default=0)
    halves = [box.height / 2 for box in graph.boxes] + [0.0] * (len(height) - len(graph.boxes))
    return [round(at - half - highest) + half + top for at, half in zip(height, halves, strict=True)]


def _edges_of_frames(graph: Graph, vertices: Sequence[int]) -> tuple[set[int], set[int]]:
    """Return the first and the last box of each frame in a layer."""
    boxes = [vertex for vertex in vertices if vertex < len(graph.boxes) and graph.boxes[vertex].frame]
    last = {graph.boxes[vertex].frame: vertex for vertex in boxes}
    first = {graph.boxes[vertex].frame: vertex for vertex in reversed(boxes)}
    return set(first.values()), set(last.values())


def _gap(graph: Graph, upper: int | None, lower: int, *, edge_of_frame: bool) -> float:
    if upper is None:
        return 0
    lanes = (upper >= len(graph.boxes)) + (lower >= len(graph.boxes))
    if lanes == 2:
        return _BETWEEN_LANES
    if lanes == 1:
        return _BESIDE_A_LANE
    return _BETWEEN_FRAMES if edge_of_frame else _BETWEEN_BOXES


def _above(graph: Graph, vertex: int) -> float:
    if vertex >= len(graph.boxes):
        return 0
    return graph.boxes[vertex].height / 2 + LANE * graph.lanes[vertex]


def _below(graph: Graph, vertex: int) -> float:
    if vertex >= len(graph.boxes):
        return 0
    return graph.boxes[vertex].height / 2 + graph.boxes[vertex].below


def _neighbours(graph: Graph, count: int) -> tuple[Neighbours, Neighbours]:
    left: Neighbours = [[] for _ in range(count)]
    right: Neighbours = [[] for _ in range(count)]
    for near, far, start, end in sorted(graph.links):
        left[far].append((near, start - end))
        right[near].append((far, end - start))
    return left, right


def _settle(column: Column, height: list[float], neighbours: Neighbours) -> None:
    """Move a column's vertices to the medians of their neighbours, as far as the distances allow."""
    wanted = []
    for vertex, step in zip(column.vertices, column.steps, strict=True):
        near = neighbours[vertex]
        if not near:
            wanted.append((height[vertex] - step, _WEIGHT_OF_LOOSE))
        elif len(near) == 1:
            other, offset = near[0]
            wanted.append((height[other] + offset - step, 1))
        else:
            places = sorted([height[other] + offset for other, offset in near])
            middle = (places[(len(places) - 1) // 2] + places[len(places) // 2]) / 2
            wanted.append((middle - step, 1))
    for vertex, step, at in zip(column.vertices, column.steps, isotonic(wanted), strict=True):
        height[vertex] = at + step


def _straighten(graph: Graph, columns: Sequence[Column], height: list[float]) -> None:
    """Make lanes of one line level where the vertices above and below leave room."""
    place = {vertex: (column, at) for column in columns for at, vertex in enumerate(column.vertices)}
    for (source, port, _, is_back), bends in graph.bends.items():
        box = graph.boxes[source]
        start = height[source] + (lane_offset(box, 0) if is_back else port_offset(box, port))
        level: list[int] = []
        low = high = start
        for vertex in bends.values():
            least, most = _room(*place[vertex], height)
            if least > high or most < low:
                _level(level, low, high, height)
                level, low, high = [], least, most
            low, high = max(low, least), min(high, most)
            level.append(vertex)
        _level(level, low, high, height)


def _level(vertices: Sequence[int], low: float, high: float, height: list[float]) -> None:
    if vertices:
        middle = sum(height[vertex] for vertex in vertices) / len(vertices)
        for vertex in vertices:
            height[vertex] = min(max(middle, low), high)


def _room(column: Column, at: int, height: Sequence[float]) -> tuple[float, float]:
    """Return the least and the greatest height of a vertex between those above and below it."""
    vertices, steps = column.vertices, column.steps
    least, most = float("-inf"), float("inf")
    if at:
        least = height[vertices[at - 1]] + steps[at] - steps[at - 1]
    if at + 1 < len(vertices):
        most = height[vertices[at + 1]] - steps[at + 1] + steps[at]
    return least, most
