"""Lone surrogate escapes are replaced, wherever they stand; everything else of a document stays."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.events.text import without_lone_surrogates

SURROGATES = [rb"\ud800", rb"\uDBFF", rb"\udc00", rb"\uDFFF"]
ESCAPES = [*SURROGATES, rb"\\", rb"\n", rb"\u0041", rb"\"", b"u", b"ud800", "é".encode()]
# Long texts are repaired in pieces of this size.
PIECE = 64 * 1024


def check(text: bytes) -> None:
    """Compare with Python's own decoder, which accepts lone surrogates."""
    repaired = without_lone_surrogates(text)
    assert len(repaired) == len(text)
    assert json.loads(repaired) == re.sub("[\ud800-\udfff]", "\ufffd", json.loads(text))


@given(st.lists(st.sampled_from(ESCAPES)))
def test_any_escapes(escapes: list[bytes]) -> None:
    check(b'"%b"' % b"".join(escapes))


@given(st.integers(0, 30), st.lists(st.sampled_from(ESCAPES), min_size=6, max_size=12))
def test_any_escapes_where_pieces_meet(before: int, escapes: list[bytes]) -> None:
    check(b'"%b%b"' % (b"x" * (PIECE - before), b"".join(escapes)))


@pytest.mark.parametrize("text", [b"", b"\\", b"\\\\\\", b"\\u", b"\\ud8", b"\\ud800", b"x\\udc00\\" * PIECE])
def test_broken_json_keeps_its_length(text: bytes) -> None:
    assert len(without_lone_surrogates(text)) == len(text)
