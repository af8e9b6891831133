"""SQL on the page of a run: as sent, with colours, and harmless."""

import re
from html import unescape

from web.templatetags.sql import MOST_HIGHLIGHTED, sql


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_keywords_texts_numbers_and_comments_are_marked() -> None:
    shown = sql("select 1 from a -- why\nwhere b = '<i>'")
    for part in ('keyword">select', 'number">1', 'comment">-- why', "text\">'&lt;i&gt;'"):
        assert f'<span class="sql-{part}' in str(shown).replace("&#x27;", "'")
    assert text_of(shown) == "select 1 from a -- why\nwhere b = '<i>'"


def test_one_long_line_is_broken_and_lines_stay_as_they_are() -> None:
    columns = ", ".join(f"column_{number}" for number in range(12))
    shown = text_of(sql(" ".join(["select", columns, "from orders where id = 1"])))
    assert shown.splitlines()[-2:] == ["from orders", "where id = 1"]
    lines = "\n".join(["select", columns, "from orders"])
    assert text_of(sql(lines)) == lines


def test_what_is_no_sql_or_too_much_stays_text() -> None:
    for text in ("(" * 1500, "<script>" * 5000, "'\0--/*", "x" * (MOST_HIGHLIGHTED + 5)):
        assert text_of(sql(text)) == text
        assert "<script" not in sql(text)
