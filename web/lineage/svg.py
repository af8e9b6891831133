"""The picture as a file of its own: styles and icons are inside, links lead back to this server."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from lineage.graph.picture import Picture

_SPRITE: Final = "vendor/tabler-icons/icons.svg"
_SYMBOL: Final = re.compile(r'<symbol id="([^"]+)".*?</symbol>', re.DOTALL)
# Characters that XML does not allow, in names that senders gave.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


def svg_file(picture: Picture, name: str) -> HttpResponse:
    """Answer with the picture as a file, named after what it is drawn around."""
    context = {"picture": picture, "symbols": _symbols(_icons_of(picture))}
    text = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", render_to_string("lineage/graph.svg", context))
    headers = {"Content-Disposition": f'attachment; filename="{file_name(name)}.svg"'}
    return HttpResponse(text, content_type="image/svg+xml; charset=utf-8", headers=headers)


def file_name(name: str) -> str:
    """Return a name that every file system takes, without an ending."""
    return f"lineage-{_NOT_IN_NAMES.sub('_', name)[:80].strip('_.')}"


def _icons_of(picture: Picture) -> set[str]:
    nodes = [placed.node for placed in picture.nodes]
    return (
        {node.icon for node in nodes}
        | {node.second_icon for node in nodes if node.second}
        | {node.state.icon for node in nodes if node.state}
        | {frame.icon for frame in picture.frames}
        | {"pin" for node in nodes if node.is_locked}
    )


def _symbols(names: set[str]) -> SafeString:
    known = _sprite()
    return mark_safe("\n".join(known[name] for name in sorted(names) if name in known))  # noqa: S308 - our own file


@cache
def _sprite() -> dict[str, str]:
    path = finders.find(_SPRITE)
    if not isinstance(path, str):
        raise FileNotFoundError(_SPRITE)
    return {found[1]: found[0] for found in _SYMBOL.finditer(Path(path).read_text())}
