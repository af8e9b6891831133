"""Ways along the lines of a graph."""

from hypothesis import given
from hypothesis import strategies as st

from lineage.graph.paths import between, leading_from, leading_to, through

LINES = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("x", "c"), ("d", "c")]
GRAPHS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def test_steps_are_counted_on_the_shortest_way() -> None:
    assert leading_from(LINES, "a") == {"a": 0, "b": 1, "c": 1, "d": 2}
    assert leading_to(LINES, "b") == {"b": 0, "a": 1}


def test_through_a_place_leads_what_is_before_and_after_it() -> None:
    assert through(LINES, "b") == {("a", "b"), ("b", "c"), ("c", "d"), ("d", "c")}


def test_between_two_places_are_all_ways_and_nothing_else() -> None:
    assert between([line for line in LINES if line != ("d", "c")], "a", "c") == {("a", "b"), ("b", "c"), ("a", "c")}
    assert between(LINES, "b", "a") == set()


@given(GRAPHS, st.integers(0, 6), st.integers(0, 6))
def test_the_way_there_is_the_way_back_read_backward(lines: list[tuple[int, int]], start: int, end: int) -> None:
    backward = [(target, source) for source, target in lines]
    assert between(lines, start, end) == {line[::-1] for line in between(backward, end, start)}
    assert (end in leading_from(lines, start)) == (start in leading_to(lines, end))
