"""Drawings of any graph: nothing overlaps, no line passes through a box, and the order of the input changes nothing."""

from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.graph.drawing import ARROW, HEADING, Box, Drawing, Frame, Line, PlacedBox, UnknownBox, draw
from tests.lineage.graph.curves import points_of
from tests.lineage.graph.estates import SHAPES, estate

Graph = tuple[list[Box], list[Line]]


@st.composite
def graphs(pick: st.DrawFn) -> Graph:
    """Draw any graph: cycles, loops, parallel lines, rows, boxes of all sizes in any frame."""
    count = pick(st.integers(0, 12))
    boxes = [
        Box(
            f"box {number}",
            pick(st.sampled_from((40, 186, 240))),
            pick(st.sampled_from((30, 72, 126))),
            pick(st.sampled_from(("", "", "Airflow", "dbt", "Spark"))),
            {"id": 8, "name": 25},
            below=pick(st.sampled_from((0, 0, 26))),
        )
        for number in range(count)
    ]
    if not boxes:
        return [], []
    ends = st.sampled_from([box.id for box in boxes])
    rows = st.sampled_from(("", "", "id", "name"))
    kinds = st.sampled_from(("", "waiting"))
    return boxes, pick(st.lists(st.builds(Line, ends, ends, rows, rows, kinds), max_size=3 * count))


def chain(*ids: str) -> list[Line]:
    return [Line(source, target) for source, target in pairwise(ids)]


def boxes_of(ids: str, frame: str = "") -> list[Box]:
    return [Box(name, 100, 40, frame) for name in ids]


def is_inside(point: tuple[float, float], box: PlacedBox) -> bool:
    x, y = point
    return box.x + 0.5 < x < box.x + box.width - 0.5 and box.y + 0.5 < y < box.y + box.height - 0.5


def lines_through_boxes(drawing: Drawing) -> list[tuple[str, str]]:
    return [
        (line.path, box.id)
        for line in drawing.lines
        for box in drawing.boxes
        if any(is_inside(point, box) for point in points_of(line.path))
    ]


def overlap(one: PlacedBox | Frame, other: PlacedBox | Frame) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def layers_of(drawing: Drawing) -> dict[str, int]:
    middles = {box.id: box.x + box.width // 2 for box in drawing.boxes}
    ranks = {middle: rank for rank, middle in enumerate(sorted(set(middles.values())))}
    return {name: ranks[middle] for name, middle in middles.items()}


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_no_line_passes_through_a_box(graph: Graph) -> None:
    assert lines_through_boxes(draw(*graph)) == []


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_boxes_do_not_overlap_and_everything_is_on_the_canvas(graph: Graph) -> None:
    drawing = draw(*graph)

    below = {box.id: box.below for box in graph[0]}
    whole = [PlacedBox(box.id, box.x, box.y, box.width, box.height + below[box.id]) for box in drawing.boxes]
    assert not [(one.id, other.id) for one, other in combinations(whole, 2) if overlap(one, other)]
    rectangles: list[PlacedBox | Frame] = [*whole, *drawing.frames]
    for box in rectangles:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
    for line in drawing.lines:
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points_of(line.path))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_lines_run_from_the_right_side_of_the_source_to_the_left_side_of_the_target(graph: Graph) -> None:
    drawing = draw(*graph)

    placed = {box.id: box for box in drawing.boxes}
    given_boxes = {box.id: box for box in graph[0]}
    for line, drawn in zip(graph[1], drawing.lines, strict=True):
        source, target = placed[line.source], placed[line.target]
        points = points_of(drawn.path)
        assert points[0] == drawn.start
        assert points[-1] == pytest.approx(drawn.end)
        assert drawn.start[0] == source.x + source.width
        assert drawn.end[0] == target.x - (0 if line.target_port else ARROW)
        assert source.y < drawn.start[1] < source.y + source.height
        assert target.y < drawn.end[1] < target.y + target.height
        if line.source_port:
            assert drawn.start[1] == source.y + given_boxes[line.source].ports[line.source_port]
        if line.target_port:
            assert drawn.end[1] == target.y + given_boxes[line.target].ports[line.target_port]


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_a_frame_holds_the_boxes_of_its_name_in_one_layer_and_no_others(graph: Graph) -> None:
    drawing = draw(*graph)

    frame_of = {box.id: box.frame for box in graph[0]}
    assert not [(one, other) for one, other in combinations(drawing.frames, 2) if overlap(one, other)]
    for box in drawing.boxes:
        assert [frame.name for frame in drawing.frames if overlap(box, frame)] == [frame_of[box.id]] * bool(
            frame_of[box.id]
        )
    for frame in drawing.frames:
        inside = [box for box in drawing.boxes if overlap(box, frame)]
        heading = PlacedBox("", min(box.x for box in inside), frame.y, max(box.width for box in inside), HEADING)
        assert not [box for box in inside if overlap(box, heading)]
        assert not [line for line in drawing.lines if any(is_inside(point, heading) for point in points_of(line.path))]


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers())
def test_the_order_of_the_input_changes_nothing(graph: Graph, seed: int) -> None:
    boxes, lines = graph
    shuffled_boxes, shuffled_lines = boxes[:], lines[:]
    Random(seed).shuffle(shuffled_boxes)
    Random(seed).shuffle(shuffled_lines)

    drawing, shuffled = draw(boxes, lines), draw(shuffled_boxes, shuffled_lines)

    assert set(shuffled.boxes) == set(drawing.boxes)
    assert shuffled.frames == drawing.frames
    assert sorted(zip(map(repr, shuffled_lines), (line.path for line in shuffled.lines), strict=True)) == sorted(
        zip(map(repr, lines), (line.path for line in drawing.lines), strict=True)
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_no_line_of_150_datasets_passes_through_one(shape: str) -> None:
    assert lines_through_boxes(draw(*estate(shape, 150, seed=1))) == []


def test_lines_lead_right_by_layers() -> None:
    drawing = draw(boxes_of("abcd"), [*chain("a", "b", "c", "d"), Line("a", "d")])

    assert layers_of(drawing) == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_a_source_stands_beside_its_first_reader() -> None:
    drawing = draw(boxes_of("abcx"), [*chain("a", "b", "c"), Line("x", "c")])

    assert layers_of(drawing)["x"] == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1000)), max_size=30))
@settings(max_examples=40, deadline=None)
def test_lines_of_a_tree_are_as_short_as_can_be(branches: list[tuple[bool, int]]) -> None:
    """Each line of a tree can lead to the next layer, whichever way the lines point."""
    lines = []
    for number, (is_reader, near) in enumerate(branches, start=1):
        ends = str(near % number), str(number)
        lines.append(Line(*ends) if is_reader else Line(*reversed(ends)))
    layers = layers_of(draw([Box(str(number), 100, 40) for number in range(len(branches) + 1)], lines))

    assert {layers[line.target] - layers[line.source] for line in lines} <= {1}


def test_one_chain_is_one_straight_line() -> None:
    drawing = draw(boxes_of("abc"), chain("a", "b", "c"))

    assert [line.path.count("c") for line in drawing.lines] == [0, 0]


def test_a_line_back_runs_left_above_the_boxes() -> None:
    drawing = draw(boxes_of("abc"), [*chain("a", "b", "c"), Line("c", "a")])

    a, b, c = drawing.boxes
    points = points_of(drawing.lines[2].path)
    assert points[0][0] == c.x + c.width
    assert points[-1][0] == a.x - ARROW
    above_b = [y for x, y in points if b.x < x < b.x + b.width]
    assert above_b
    assert max(above_b) < b.y


def test_a_loop_runs_around_its_box() -> None:
    drawing = draw(boxes_of("a"), [Line("a", "a")])

    (box,) = drawing.boxes
    points = points_of(drawing.lines[0].path)
    assert max(x for x, _ in points) > box.x + box.width
    assert min(x for x, _ in points) < box.x
    assert min(y for _, y in points) < box.y


def test_arrowheads_at_one_box_stand_apart() -> None:
    drawing = draw(boxes_of("abct"), [Line(source, "t") for source in "abc"])

    ends = sorted(line.end[1] for line in drawing.lines)
    assert all(lower - upper >= ARROW for upper, lower in pairwise(ends))


def test_more_lines_than_have_room_share_places() -> None:
    readers = [Box(f"r{number:02}", 100, 40) for number in range(40)]
    drawing = draw([*readers, Box("hub", 100, 40)], [Line(box.id, "hub") for box in readers])

    ends = sorted({line.end[1] for line in drawing.lines})
    assert 1 < len(ends) < 40
    assert all(lower - upper >= ARROW for upper, lower in pairwise(ends))


def test_lines_of_one_source_share_their_way_and_those_of_another_kind_do_not() -> None:
    lines = [*chain("a", "b", "c", "d", "e"), Line("a", "d"), Line("a", "e"), Line("a", "e", kind="waiting")]
    drawing = draw(boxes_of("abcde"), lines)

    to_d, to_e, waiting = ({y for x, y in points_of(line.path) if 330 < x < 400} for line in drawing.lines[4:])
    assert to_d & to_e
    assert not waiting & to_e


def test_boxes_of_a_frame_stand_together_even_if_lines_cross() -> None:
    boxes = [Box("a", 100, 40), Box("b", 100, 40), Box("c", 100, 40)]
    ends = [Box("x", 100, 40, "Airflow"), Box("y", 100, 40, "dbt"), Box("z", 100, 40, "Airflow")]
    lines = [*chain("a", "x"), *chain("b", "y"), *chain("c", "z"), Line("a", "y"), Line("c", "y")]

    frames = draw([*boxes, *ends], lines).frames

    assert sorted(frame.name for frame in frames) == ["Airflow", "dbt"]


def test_a_line_to_an_unknown_box_is_refused() -> None:
    with pytest.raises(UnknownBox, match="'b'"):
        draw(boxes_of("a"), [Line("a", "b")])


def test_two_boxes_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="one id"):
        draw(boxes_of("aa"), [])


def test_no_boxes_are_an_empty_drawing() -> None:
    assert draw([], []).lines == ()
