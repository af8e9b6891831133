"""A facet as a tree that opens and closes without a script: nested <details>."""

from html import escape
from itertools import islice
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Of one facet. What is beyond stands in the event, which can be seen whole.
MOST_NODES = 300
LONGEST_TEXT = 10_000
DEEPEST = 12
# From here on a text is set as a block of its own that scrolls.
_INLINE = 100


@register.filter
def facet_tree(value: Any) -> SafeString:
    """The fields of a facet, as a list."""
    return mark_safe(_Tree().of(value, 0))  # noqa: S308 - every text in it is escaped below


class _Tree:
    def __init__(self) -> None:
        self._left = MOST_NODES

    def of(self, value: Any, depth: int) -> str:
        if not isinstance(value, dict | list):
            return f'<ul class="tree"><li>{_scalar(value)}</li></ul>'
        fields = list(islice(_fields(value), self._left))
        self._left -= len(fields)
        rows = [self._row(key, child, depth) for key, child in fields]
        if (hidden := len(value) - len(fields)) > 0:
            rows.append(f'<li class="secondary">{hidden:,} more in the event itself</li>')
        return f'<ul class="tree">{"".join(rows)}</ul>'

    def _row(self, key: str, value: Any, depth: int) -> str:
        name = f'<span class="tree-key">{escape(key)}</span>'
        if not isinstance(value, dict | list):
            return f"<li>{name} {_scalar(value)}</li>"
        if not value:
            return f'<li>{name} <span class="secondary">empty</span></li>'
        count = f'<span class="secondary">{_count(value)}</span>'
        if depth >= DEEPEST:
            return f"<li>{name} {count}</li>"
        is_open = " open" if depth < 1 and len(value) <= 8 else ""
        inner = self.of(value, depth + 1)
        return f"<li><details{is_open}><summary>{name} {count}</summary>{inner}</details></li>"


def _fields(value: dict[str, Any] | list[Any]) -> Any:
    """Fields in the sender's order; the producer and the schema, of least interest, come last."""
    if isinstance(value, list):
        return ((str(position), child) for position, child in enumerate(value))
    return iter(sorted(value.items(), key=lambda field: field[0] in ("_producer", "_schemaURL")))


def _count(value: dict[str, Any] | list[Any]) -> str:
    noun = "item" if isinstance(value, list) else "field"
    return f"{len(value):,} {noun}{'' if len(value) == 1 else 's'}"


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return f'<span class="tree-word">{ {None: "null", True: "true", False: "false"}[value] }</span>'
    if isinstance(value, int | float):
        return f'<span class="tree-number">{value}</span>'
    text = str(value)
    shown = escape(text[:LONGEST_TEXT])
    if len(text) > LONGEST_TEXT:
        shown += f"\n… {len(text) - LONGEST_TEXT:,} more characters in the event itself"
    if len(text) > _INLINE or "\n" in text:
        return f'<pre class="tree-block" tabindex="0">{shown}</pre>'
    return f'<span class="tree-text">{shown or "“”"}</span>'
