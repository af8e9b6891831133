"""Cells of the grid of runs and jobs. Written in Python: a grid has a thousand of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import escape

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from lineage.models import RunState
from web.templatetags.observatory import STATES, icon

register = template.Library()

# Those of lists have a circle around them, for which a cell has no room.
_ICONS = {"completed": "check", "failed": "x", "repeated": "refresh"}


@dataclass(frozen=True, slots=True)
class CellLink:
    """Cell as a page draws it. `glyph`: its picture and colour, by its state in lower case."""

    url: str
    glyph: str
    words: str


@register.simple_tag
@cache
def grid_glyph(glyph: str) -> SafeString:
    """The picture of a cell: an icon on the colour of its state."""
    name = _ICONS.get(glyph) or STATES[RunState(glyph.upper())][0]
    return format_html('<span class="grid-cell grid-{}">{}</span>', glyph, icon(name))


@register.simple_tag
def grid_cells(cells: Iterable[CellLink | None]) -> SafeString:
    """The cells of one row: links, and a dash where the job has no run."""
    return mark_safe("".join(map(_cell, cells)))  # noqa: S308 - every text in it is escaped


def _cell(cell: CellLink | None) -> str:
    if cell is None:
        return '<td><span class="grid-none" aria-hidden="true"></span><span class="visually-hidden">no run</span></td>'
    return (
        f'<td><a class="grid-link" href="{escape(cell.url)}" aria-label="{escape(cell.words)}">'
        f"{grid_glyph(cell.glyph)}</a></td>"
    )
