"""The graph of lineage in a browser, under the product's content security policy, without a server."""

import mimetypes
from collections.abc import Callable, Iterator

import pytest
from django.template import engines
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from lineage.graph.picture import Picture
from observability.static_files import IMPORT
from tests.browser.accessibility import LOOKS, assert_accessible
from tests.chromium import PATIENCE_MS
from tests.house.files import ROOT
from tests.lineage.graph.pictures import large, shop

OpenPicture = Callable[..., Page]
ADDRESS = "http://pictures.test/"
TEMPLATE = """
{% extends "document.html" %}{% load static %}
{% block title %}Lineage{% endblock %}
{% block styles %}<link rel="stylesheet" href="{% static "css/pages/graph.css" %}">{% endblock %}
{% block body %}<main class="main"><h1>Lineage</h1>{% include "lineage/_graph.html" %}</main>{% endblock %}
"""
# Points of lines that are inside a node, as the browser draws both. A point at some distance from all nodes has no such
# point nearer along its line, so the walk steps over that distance.
LINES_THROUGH_NODES = """
() => {
  const boxes = [...document.querySelectorAll(".graph-node rect")].map((rect) => rect.getBoundingClientRect());
  const found = [];
  for (const path of document.querySelectorAll("svg.graph-canvas g.graph-lines path")) {
    const toScreen = path.getScreenCTM(), length = path.getTotalLength();
    for (let at = 0; at <= length; ) {
      const { x, y } = path.getPointAtLength(at).matrixTransform(toScreen);
      const outside = (box) => Math.max(box.left + 1 - x, x - box.right + 1, box.top + 1 - y, y - box.bottom + 1);
      const distance = Math.min(...boxes.map(outside));
      if (distance < 0) found.push([path.getAttribute("d"), x, y]);
      at += Math.max(4, distance / toScreen.a);
    }
  }
  return found;
}
"""
# Texts of one node that lie over one another. Texts of neighbouring lines touch.
TEXTS_OVER_TEXTS = """
() => [...document.querySelectorAll(".graph-node:has(.graph-time)")].flatMap((node) => {
  const texts = [...node.querySelectorAll("text")].map((text) => [text.getBoundingClientRect(), text.textContent]);
  return texts.flatMap(([one, text], at) => texts.slice(at + 1)
    .filter(([other]) => Math.abs(one.y - other.y) <= 4 && one.right > other.left && other.right > one.left)
    .map(([, other]) => [text, other]));
})
"""
# Texts that are wider than the room from their left to the edge of their node.
TEXTS_TOO_WIDE = """
() => [...document.querySelectorAll(".graph-node, .graph-row, .graph-stub")].flatMap((link) => {
  const right = link.querySelector("rect, path").getBoundingClientRect().right;
  return [...link.querySelectorAll("text")]
    .filter((text) => text.getBoundingClientRect().right > right - 3)
    .map((text) => text.textContent);
})
"""


@pytest.fixture
def open_picture(chromium: Browser, db: None) -> Iterator[OpenPicture]:
    """Opens a page with a picture alone: how wide, in which theme."""
    policy = Client().get("/").headers["Content-Security-Policy"]
    contexts = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def open_(picture: Picture, *, width: int = 1280, theme: str = "light") -> Page:
        html = engines["django"].from_string(TEMPLATE).render({"picture": picture, "theme": theme})

        def answer(route: Route) -> None:
            if route.request.url == ADDRESS:
                headers = {"Content-Security-Policy": policy}
                route.fulfill(body=html, content_type="text/html", headers=headers)
                return
            path = ROOT / route.request.url.removeprefix(ADDRESS).partition("?")[0]
            content = path.read_bytes()
            if path.suffix == ".css":
                # Joined, as the product serves it: axe asks for imports by a wrong address.
                content = IMPORT.sub(lambda found: (path.parent / found[1]).read_text(), content.decode()).encode()
            route.fulfill(body=content, content_type=mimetypes.guess_type(path)[0])

        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", listen)
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(ADDRESS)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_picture_of_everything(open_picture: OpenPicture) -> None:
    for width, theme in LOOKS:
        assert_accessible(open_picture(shop(), width=width, theme=theme), looks=[(width, theme)])


@pytest.mark.parametrize("count", [5, 50, 150])
def test_the_graph_scrolls_and_the_page_does_not(open_picture: OpenPicture, count: int) -> None:
    page = open_picture(large(count))

    for width, _ in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        last = page.locator(".graph-node").last
        last.blur()
        page.locator(".graph-scroll").evaluate("area => area.scrollTo(0, 0)")
        last.focus()
        expect(last).to_be_in_viewport()


@pytest.mark.parametrize("shape", ["warehouse", "hubs", "chains", "diamonds"])
def test_no_line_is_drawn_through_a_node(open_picture: OpenPicture, shape: str) -> None:
    page = open_picture(large(150, shape))

    assert page.locator(".graph-node").count() == 150
    assert page.evaluate(LINES_THROUGH_NODES) == []


def test_no_line_between_columns_is_drawn_through_a_node(open_picture: OpenPicture) -> None:
    page = open_picture(large(150, with_columns=True))

    assert page.locator(".line-column path").count() > 50
    assert page.evaluate(LINES_THROUGH_NODES) == []


def test_no_line_of_a_cycle_is_drawn_through_a_node(open_picture: OpenPicture) -> None:
    assert open_picture(shop()).evaluate(LINES_THROUGH_NODES) == []


@pytest.mark.parametrize("picture", [shop, lambda: large(150)])
def test_texts_stay_inside_their_nodes(open_picture: OpenPicture, picture: Callable[[], Picture]) -> None:
    page = open_picture(picture())
    page.evaluate("document.fonts.ready")

    assert page.evaluate(TEXTS_TOO_WIDE) == []
    assert page.evaluate(TEXTS_OVER_TEXTS) == []


def test_the_keyboard_reaches_nodes_columns_and_stubs(open_picture: OpenPicture) -> None:
    page = open_picture(shop())

    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert "raw.ad_spend: Failed, 29 Nov" in reached
    assert "Column net_amount of fct_orders" in reached
    assert "Show 6 more readers of dim_customers" in reached
