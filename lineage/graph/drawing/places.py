"""Places of layers and boxes, from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from lineage.graph.drawing.graph import Graph
from lineage.graph.drawing.positions import PADDING

# Free space around the drawing.
MARGIN = 16

# Length of an arrowhead, which the caller draws from the end of a line.
ARROW = 8

# Width between two layers: the least, the least where lines turn back, the greatest, what each line adds that changes
# its height over the whole gap, and what the steepest adds.
_LEAST_GAP, _LEAST_TO_TURN, _GREATEST_GAP = 52, 64, 190
_FOR_EACH, _FOR_STEEPEST = 4.0, 1.2


@dataclass(frozen=True, slots=True)
class Places:
    """Places of everything: height of each vertex, left edge of each box, layer of each vertex, edges of each layer."""

    height: Sequence[float]
    left: Sequence[int]
    layer: Sequence[int]
    spans: Sequence[tuple[int, int]]
    width: int


def places_of(graph: Graph, layers: Sequence[Sequence[int]], height: Sequence[float]) -> Places:
    """Return the places of everything, with the width of the drawing."""
    layer_of = [0] * len(height)
    for index, layer in enumerate(layers):
        for vertex in layer:
            layer_of[vertex] = index
    gaps = _gaps(graph, layer_of, len(layers), height)
    spans: list[tuple[int, int]] = []
    left = [0] * len(graph.boxes)
    x = 0
    for index, layer in enumerate(layers):
        boxes = [vertex for vertex in layer if vertex < len(graph.boxes)]
        width = max(graph.boxes[box].width for box in boxes)
        x += gaps[index]
        for box in boxes:
            left[box] = x + (width - graph.boxes[box].width) // 2
        spans.append((x, x + width))
        x += width
    return Places(height, left, layer_of, spans, x + gaps[-1])


def _gaps(graph: Graph, layer_of: Sequence[int], count: int, height: Sequence[float]) -> list[int]:
    """Return the widths before, between and after the layers: wider where many lines change their height."""
    rises: list[list[float]] = [[] for _ in range(count + 1)]
    for left, right, start, end in graph.links:
        rises[layer_of[right]].append(abs(height[left] + start - height[right] - end))
    tall = max(height, default=0) or 1
    gaps = []
    for rise in rises:
        added = _FOR_EACH * sum(rise) / tall + _FOR_STEEPEST * sqrt(max(rise, default=0))
        gaps.append(min(round(_LEAST_GAP + added), _GREATEST_GAP))
    gaps[0] = gaps[-1] = MARGIN + PADDING
    for way in graph.ways:
        if way.lane_out is not None:
            for gap in (layer_of[way.vertices[0]] + 1, layer_of[way.vertices[-1]]):
                gaps[gap] = max(gaps[gap], _LEAST_TO_TURN)
    return gaps
