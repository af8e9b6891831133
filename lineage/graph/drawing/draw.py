"""The whole drawing, step by step."""

from collections.abc import Iterator, Sequence

from lineage.graph.drawing.graph import LANE, Graph, graph_of
from lineage.graph.drawing.order import order
from lineage.graph.drawing.places import ARROW, MARGIN, places_of
from lineage.graph.drawing.positions import HEADING, PADDING, columns_of, heights
from lineage.graph.drawing.routes import Routes, ends_of
from lineage.graph.drawing.shapes import Box, Drawing, Frame, Line, PlacedBox


def draw(boxes: Sequence[Box], lines: Sequence[Line]) -> Drawing:
    """Place `boxes` and `lines`; their order changes nothing.

    Raises UnknownBox for a line to a box that is not given, and ValueError for two boxes with one id.
    """
    if len({box.id for box in boxes}) < len(boxes):
        raise ValueError("two boxes have one id")
    box_order = sorted(range(len(boxes)), key=lambda index: boxes[index].id)
    line_order = sorted(range(len(lines)), key=lambda index: _key(lines[index]))
    drawing = _draw([boxes[index] for index in box_order], [lines[index] for index in line_order])
    placed_boxes = dict(zip(box_order, drawing.boxes, strict=True))
    placed_lines = dict(zip(line_order, drawing.lines, strict=True))
    return Drawing(
        drawing.width,
        drawing.height,
        tuple(placed_boxes[index] for index in range(len(boxes))),
        drawing.frames,
        tuple(placed_lines[index] for index in range(len(lines))),
    )


def _key(line: Line) -> tuple[str, ...]:
    return line.source, line.target, line.source_port, line.target_port, line.kind


def _draw(boxes: Sequence[Box], lines: Sequence[Line]) -> Drawing:
    graph = graph_of(boxes, lines)
    groups = [box.frame or index for index, box in enumerate(boxes)]
    columns = columns_of(graph, order(graph, groups))
    height = heights(graph, columns, top=MARGIN)
    places = places_of(graph, [column.vertices for column in columns], height)
    starts, ends = ends_of(graph, lines, height)
    routes = Routes(graph, places)
    placed = tuple(
        PlacedBox(box.id, left, round(middle - box.height / 2), box.width, box.height)
        for box, left, middle in zip(boxes, places.left, height, strict=False)
    )
    return Drawing(
        places.width,
        round(max((height[column.vertices[-1]] + column.end - column.steps[-1] for column in columns), default=0))
        + MARGIN,
        placed,
        tuple(
            frame
            for column, span in zip(columns, places.spans, strict=True)
            for frame in _frames(graph, column.vertices, placed, span)
        ),
        tuple(
            routes.line(way, start, end, arrow=0 if line.target_port in boxes[way.vertices[-1]].ports else ARROW)
            for line, way, start, end in zip(lines, graph.ways, starts, ends, strict=True)
        ),
    )


def _frames(graph: Graph, layer: Sequence[int], placed: Sequence[PlacedBox], span: tuple[int, int]) -> Iterator[Frame]:
    """Yield the frames of one layer, from top to bottom."""
    left, right = span
    members: dict[str, list[int]] = {}
    for vertex in layer:
        if vertex < len(graph.boxes) and graph.boxes[vertex].frame:
            members.setdefault(graph.boxes[vertex].frame, []).append(vertex)
    for name, boxes in members.items():
        first, last = placed[boxes[0]], placed[boxes[-1]]
        top = first.y - LANE * graph.lanes[boxes[0]] - HEADING
        bottom = last.y + last.height + graph.boxes[boxes[-1]].below + PADDING
        yield Frame(name, left - PADDING, top, right - left + 2 * PADDING, bottom - top)
