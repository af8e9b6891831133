"""Pictures of lineage: what readers see, and what those hear who do not see it."""

import gzip
import re

import pytest
from django.template.loader import render_to_string

from lineage.graph.drawing import UnknownBox
from lineage.graph.nodes import Arrow, Node, Row, State, Stub, Style, Tone
from lineage.graph.picture import Picture, picture_of
from tests.lineage.graph.pictures import large, shop


def rendered(picture: Picture) -> str:
    return render_to_string("lineage/_graph.html", {"picture": picture})


def picture(*nodes: Node, arrows: list[Arrow] | None = None) -> Picture:
    return picture_of(nodes, arrows or [], label="Lineage")


def test_each_node_is_a_link_that_says_its_name_and_state() -> None:
    node = Node("1", "raw.orders", "/orders", state=State("Fresh", "circle-check", Tone.GREEN, "14:12"))

    html = rendered(picture(node))

    assert re.search(r'<a class="graph-node tone-plain"\s+href="/orders" aria-label="raw.orders: Fresh, 14:12">', html)


def test_a_dropped_or_only_referenced_node_says_so() -> None:
    dropped, referenced = picture(
        Node("1", "a", "#", is_dropped=True), Node("2", "b", "#", is_referenced_only=True)
    ).nodes

    assert (dropped.label, referenced.label) == ("a: dropped", "b: only referenced")


def test_a_name_that_is_cut_stands_whole_in_its_title() -> None:
    name = "features.customer_revenue_of_the_last_90_days"
    html = rendered(picture(Node("1", name, "#")))

    assert f"<title>{name}</title>" in html
    assert f">{name}</text>" not in html


def test_names_are_escaped() -> None:
    html = rendered(picture(Node('"><script>', '<b>"', '/"><script>', rows=[Row("<i>", "#")])))

    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_stubs_lead_to_what_is_not_shown() -> None:
    node = Node("1", "a", "#", upstream=Stub(2, "source", "/up"), downstream=Stub(1, "reader", "/down"))

    up, down = picture(node).nodes[0].stubs

    assert (up.text, up.label) == ("+2 sources", "Show 2 more sources of a")
    assert (down.text, down.label) == ("+1 reader", "Show 1 more reader of a")
    assert up.x + up.width < down.x


def test_stubs_of_many_do_not_overlap() -> None:
    node = Node("1", "a", "#", upstream=Stub(12_345, "source", "#"), downstream=Stub(12_345, "reader", "#"))

    up, down = picture(node).nodes[0].stubs

    assert (up.text, down.text) == ("+12,345", "+12,345")
    assert up.x + up.width < down.x


def test_a_column_line_runs_from_row_to_row() -> None:
    rows = [Row("id", "#"), Row("3 more columns", "#", is_column=False)]
    arrows = [Arrow("1", "2", Style.COLUMN, "id", "id")]

    shown = picture(Node("1", "a", "#", rows=rows), Node("2", "b", "#", rows=rows), arrows=arrows)

    first, second = shown.nodes
    ((_, (line,)),) = shown.columns
    assert line.path == f"M{first.x + 186} {first.y + first.rows[0].y + 12}h{second.x - first.x - 186}"


def test_the_keyboard_meets_nodes_from_left_to_right() -> None:
    nodes = [Node(name, name, "#") for name in "abc"]

    shown = picture(*nodes, arrows=[Arrow("c", "b"), Arrow("b", "a")])

    assert [placed.node.id for placed in shown.nodes] == ["c", "b", "a"]


def test_the_legend_has_what_the_picture_shows() -> None:
    nodes = [Node("1", "a", "#", tone=Tone.RED), Node("2", "b", "#")]

    shown = picture(*nodes, arrows=[Arrow("1", "2", Style.VARYING)])

    assert shown.styles == [(Style.VARYING, "not every run")]
    assert [words for _, _, words in shown.tones] == ["Failed here"]
    assert not shown.has_focus


def test_an_arrow_to_an_unknown_node_is_refused() -> None:
    with pytest.raises(UnknownBox, match="'2'"):
        picture(Node("1", "a", "#"), arrows=[Arrow("1", "2")])


def test_every_tone_and_style_has_its_rule_in_the_style_sheet(sheet: str) -> None:
    assert [tone for tone in Tone if f".tone-{tone}" not in sheet] == []
    # Data flow is what the others vary.
    assert [style for style in Style if style != Style.DATA and f".line-{style}" not in sheet] == []


@pytest.mark.parametrize("shape", ["warehouse", "hubs", "chains", "diamonds"])
def test_150_datasets_are_small(shape: str) -> None:
    # 8.3 to 10.6 kB, depending on names.
    assert len(gzip.compress(rendered(large(150, shape, seed=2)).encode())) < 11_000


def test_nothing_is_inline() -> None:
    assert not re.search(r"<style|<script|\s(style|on[a-z]+)=", rendered(shop()))
