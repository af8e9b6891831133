"""SQL set for reading: keywords, texts, numbers and comments differ in weight and colour."""

from html import escape

import sqlparse
from django import template
from django.utils.safestring import SafeString, mark_safe
from sqlparse import lexer, tokens
from sqlparse.exceptions import SQLParseError

register = template.Library()

# In characters. The rest stands as it was sent: queries that programs write may have megabytes.
MOST_HIGHLIGHTED = 10_000
# A longer query on one line is broken into lines, unless it is so long that this may take a third of a second.
_LONG_LINE = 100
_MOST_LAID_OUT = 2_000
_CLASSES = (
    (tokens.Comment, "sql-comment"),
    (tokens.Keyword, "sql-keyword"),
    (tokens.Literal.String, "sql-text"),
    (tokens.Literal.Number, "sql-number"),
)


@register.filter
def sql(query: str) -> SafeString:
    """Highlight a query. One long line is broken into lines."""
    text = _laid_out(query)
    head, rest = text[:MOST_HIGHLIGHTED], text[MOST_HIGHLIGHTED:]
    parts = [_marked(kind, value) for kind, value in lexer.tokenize(head)]
    return mark_safe("".join(parts) + escape(rest))  # noqa: S308 - every part is escaped


def _laid_out(query: str) -> str:
    text = query.strip()
    if "\n" in text or not _LONG_LINE < len(text) <= _MOST_LAID_OUT:
        return text
    try:
        return str(sqlparse.format(text, reindent=True))
    except SQLParseError:
        return text


def _marked(kind: object, value: str) -> str:
    name = next((name for group, name in _CLASSES if kind in group), "")
    return f'<span class="{name}">{escape(value)}</span>' if name else escape(value)
