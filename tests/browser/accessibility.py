"""axe-core's rules for a page, in light and dark, wide and narrow."""

import re
from collections.abc import Iterable

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page, expect

Look = tuple[int, str]
# Each theme and each width once.
LOOKS: tuple[Look, ...] = ((1280, "light"), (375, "dark"))
# At 200 % zoom a window of 1280 px has the room of one of 640.
ZOOMED: tuple[Look, ...] = ((640, "light"),)
# Rows that differ from an earlier one of the page only in what they say, and where they lead. axe-core would take a
# second of a processor for 50 of them. What rules and style sheets go by (tags, classes, roles, states) makes another
# shape, and so does a text or a name that is empty.
_REPEATED_ROWS = """
const told = /^(id|href|for|action|title|datetime|value|name|aria-label|aria-(labelled|described)by|aria-controls)$/
const shapeOf = (element) => [
    element.tagName,
    getComputedStyle(element).backgroundColor,
    element.textContent.trim() === "",
    ...[...element.attributes].map(({name, value}) => name + "=" + (told.test(name) ? value !== "" : value)),
].join()
const seen = new Set()
const repeated = []
for (const row of document.querySelectorAll("tbody > tr, li, .hit")) {
    if (repeated.some((earlier) => earlier.contains(row))) continue
    const shape = [row, ...row.querySelectorAll("*")].map(shapeOf).join("|")
    seen.has(shape) ? repeated.push(row) : seen.add(shape)
}
"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def assert_accessible(
    page: Page, *, looks: Iterable[Look] = LOOKS, menu_open: bool = False, part: str | None = None
) -> None:
    """Check the page as it is now, with open menus and dialogs, in all `looks`: axe-core finds nothing, and nothing
    scrolls sideways.

    The page changes its look without being loaded again, as when a window is made narrow, and gets its own back.
    `part`: a selector of what axe-core looks at, where all else is on a page that is checked as a whole. Each look of
    a whole page takes a processor half a second.
    """
    assert page.viewport_size
    own = page.viewport_size["width"], theme_of(page)
    for width, theme in looks:
        take_look(page, width, theme)
        # An open menu covers what lies below until it is closed. A node of the graph of lineage shows its name cut, and
        # says it whole.
        has_graph = page.locator(".graph-node").count() > 0
        rules = {
            "target-size": {"enabled": not menu_open},
            "label-content-name-mismatch": {"enabled": not has_graph},
        }
        found = _axe(page, part, rules)
        assert found.violations_count == 0, f"{width} {theme}: {found.generate_report()}"
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{page.url} scrolls sideways by {beyond} px at {width}"
    take_look(page, *own)


def _axe(page: Page, part: str | None, rules: dict[str, dict[str, bool]]) -> AxeResults:
    """Run axe-core's rules on a part of the page, or on all of it. Its script stays in a page until that is left."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # What they found to be right, 350 KB for a list of connections, is not written down.
    options = {"runOnly": TAGS, "rules": rules, "resultTypes": ["violations"]}
    run = (
        f"{_REPEATED_ROWS}; return axe.run({{include: [part ?? document.documentElement], exclude: repeated}}, options)"
    )
    return AxeResults(page.evaluate(f"([part, options]) => {{ {run} }}", [part, options]))


def take_look(page: Page, width: int, theme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    # A dialog that is still fading in has another contrast.
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)


def theme_of(page: Page) -> str:
    # A page that is being loaded has none yet.
    expect(page.locator("html")).to_have_attribute("data-bs-theme", re.compile("light|dark"))
    theme: str = page.evaluate("document.documentElement.dataset.bsTheme")
    return theme


def first_load(page: Page, path: str) -> int:
    """Open a page as a browser does that was never here before. Return the bytes that came over the wire: page, style
    sheets, scripts, font and icons, with their headers.
    """
    sizes: list[int] = []
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.clearBrowserCache")
    wire.on("Network.loadingFinished", lambda answer: sizes.append(answer["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    assert len(sizes) > 5
    return sum(sizes)
