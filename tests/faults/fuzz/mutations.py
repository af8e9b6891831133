"""Real events with something wrong in them: a node lost, replaced or repeated, a facet of another event, bytes cut off
or flipped, a wrong encoding. Hypothesis draws what and where."""

import copy
import gzip
import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.conftest import SAMPLES
from tests.intake.http.documents import Path, at, paths, put

Draw = st.DrawFn
T = TypeVar("T")
# What marks a member as one that repeats a name: JSON can say it, a dict cannot.
_AGAIN = "again: "


@dataclass(frozen=True, slots=True)
class Verbatim:
    """JSON text that `json.dumps` would not write."""

    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Mutant:
    """What is sent: `content`, the body before it is compressed, as `encoding` says it was."""

    content: bytes
    sent: bytes
    encoding: str | None = None
    is_batch: bool = False

    def __repr__(self) -> str:
        return f"Mutant({self.content[:1_000]!r}, {self.encoding!r}, is_batch={self.is_batch})"


@cache
def _lines() -> list[bytes]:
    return [line for path in sorted(SAMPLES.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def _pick(draw: Draw, among: Sequence[T]) -> T:
    """Cheaper than `sampled_from` for long sequences that are drawn from once."""
    return among[draw(st.integers(0, len(among) - 1))]


def _real_event(draw: Draw) -> Any:
    return json.loads(_pick(draw, _lines()))


def to_json(document: Any, *, is_ascii: bool) -> bytes:
    texts: list[str] = []

    def mark(value: Verbatim) -> str:
        texts.append(value.text)
        return f"verbatim {len(texts) - 1}"

    encoded = json.dumps(document, default=mark, ensure_ascii=is_ascii).replace(f'"{_AGAIN}', '"')
    for number, text in enumerate(texts):
        encoded = encoded.replace(f'"verbatim {number}"', text)
    # A lone surrogate, written as itself, is no UTF-8.
    return encoded.encode("utf-8", "surrogatepass")


# --- Values -----------------------------------------------------------------------------------------------

_LETTERS = Random(1).choices(string.ascii_letters, k=200_000)


def _long_text(length: int) -> str:
    """Random, so that it does not compress."""
    return "".join(_LETTERS[:length])


def _nested(depth: int, opening: str) -> Verbatim:
    return Verbatim(opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth)


ODD_TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "\0", "a\0b", "\ud800", "\udc00\ud800", "\U0001f600", "\\", '"', "\u2028", "a\r\nb", "{}"]
    ),
    st.sampled_from(["START", "complete", "ABORT ", "DAG", "null", "-1", "NaN", "../..", "<script>", "%s", "'; --"]),
    st.sampled_from([2047, 2048, 2049, 8193, 12_000, 200_000]).map(_long_text),
    st.text(max_size=20),
)
ODD_TIMES = st.sampled_from(
    [
        *("1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z"),
        *("9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-07-01T06:00:00"),
        *(
            "2026-07-01T06:00:00.123456789Z",
            "2026-07-01T06:00:00+02:00[Europe/Paris]",
            "2026-07-01",
            "now",
            "1782885600",
        ),
        *("2026-W27-3", "20260701T060000Z", "2026-07-01T24:00:00Z", "2026-07-01T06:00:60Z", "infinity", "2026-182"),
    ]
)
ODD_IDS = st.sampled_from(
    [
        *("00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "manual__2026-07-01"),
        *("{00000000-0000-0000-0000-000000000001}", "urn:uuid:00000000-0000-0000-0000-000000000001", "0" * 32),
        "0x000000000000000000000000000000",
    ]
)
ODD_NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1.5, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, 2**64, 1e308]),
    st.sampled_from(["1e400", "-1e400", "1e-400", "-0", "NaN", "Infinity", "007", "1.", "0x1"]).map(Verbatim),
    st.sampled_from(["9", "-9", "0."]).map(lambda begin: Verbatim(begin + "7" * 5_000)),
)
NESTED = st.builds(_nested, st.sampled_from([5, 300, 900, 1_000, 20_000]), st.sampled_from(["[", '{"a":']))
PLAIN = st.sampled_from([None, True, False, [], {}, [[]], {"": None}, [None], {"facets": {}}])
ODD_VALUES = st.one_of(PLAIN, ODD_TEXTS, ODD_TIMES, ODD_IDS, ODD_NUMBERS, NESTED)

# --- Documents --------------------------------------------------------------------------------------------


def _delete(draw: Draw, document: Any, path: Path) -> None:
    del at(document, path[:-1])[path[-1]]


def _replace(draw: Draw, document: Any, path: Path) -> None:
    put(document, path, draw(ODD_VALUES))


def _alter_text(draw: Draw, document: Any, path: Path) -> None:
    """An odd text within the one that is there; where none is, in its place."""
    value, odd = at(document, path), draw(ODD_TEXTS)
    position = draw(st.integers(0, len(value))) if isinstance(value, str) else 0
    put(document, path, f"{value[:position]}{odd}{value[position:]}" if isinstance(value, str) else odd)


def _rename(draw: Draw, document: Any, path: Path) -> None:
    """The member comes last then."""
    parent = at(document, path[:-1])
    if isinstance(parent, dict):
        value = parent.pop(path[-1])
        parent[draw(ODD_TEXTS)] = value


def _say_twice(draw: Draw, document: Any, path: Path) -> None:
    parent = at(document, path[:-1])
    if isinstance(parent, dict):
        parent[f"{_AGAIN}{path[-1]}"] = draw(ODD_VALUES | st.just(parent[path[-1]]))
    else:
        parent += [parent[path[-1]]] * draw(st.sampled_from([1, 30]))


def _wrap(draw: Draw, document: Any, path: Path) -> None:
    value = at(document, path)
    put(document, path, draw(st.sampled_from([[value], {"value": value}, [value, value], str(value)])))


def _move(draw: Draw, document: Any, path: Path) -> None:
    """The value of another place."""
    put(document, path, copy.deepcopy(at(document, _pick(draw, list(paths(document))))))


def _splice(draw: Draw, document: Any, path: Path) -> None:
    """What stands in this place of another event; where that has no such place, one of its facets."""
    other = _real_event(draw)
    try:
        put(document, path, at(other, path))
    except (LookupError, TypeError):
        facets = [*other["job"].get("facets", {}).values(), *other["run"].get("facets", {}).values()]
        put(document, path, _pick(draw, facets or [other]))


MUTATIONS: list[Callable[[Draw, Any, Path], None]]
MUTATIONS = [_delete, _replace, _replace, _alter_text, _rename, _say_twice, _wrap, _move, _splice]


def _place(draw: Draw, document: Any) -> Path:
    """Half of the time one that columns are made from, or near such a one."""
    every = list(paths(document))
    near = [path for path in every if len(path) <= 2 or path[:2] in (("run", "facets"), ("inputs", 0))]
    return _pick(draw, near if near and draw(st.booleans()) else every)


@st.composite
def documents(draw: Draw) -> bytes:
    document = _real_event(draw)
    for _ in range(draw(st.integers(0, 3))):
        if document:
            draw(st.sampled_from(MUTATIONS))(draw, document, _place(draw, document))
    return to_json(document, is_ascii=draw(st.booleans()))


# --- Bytes ------------------------------------------------------------------------------------------------


def _cut(draw: Draw, body: bytes) -> bytes:
    return body[: draw(st.integers(0, len(body)))]


def _flip(draw: Draw, body: bytes) -> bytes:
    position = draw(st.integers(0, len(body) - 1))
    return body[:position] + bytes([body[position] ^ 1 << draw(st.integers(0, 7))]) + body[position + 1 :]


def _lose(draw: Draw, body: bytes) -> bytes:
    position = draw(st.integers(0, len(body)))
    return body[:position] + body[position + draw(st.integers(1, 40)) :]


def _insert(draw: Draw, body: bytes) -> bytes:
    position = draw(st.integers(0, len(body)))
    odd = [
        b"\0",
        b"\xff",
        b'"',
        b"\\",
        b"\\u00",
        b"\\ud800",
        b"\n",
        b",",
        b"}",
        b"[",
        b"\xed\xa0\x80",
        b"\xe2\x80",
        b"1e",
    ]
    return body[:position] + draw(st.sampled_from(odd)) + body[position:]


def _other_charset(draw: Draw, body: bytes) -> bytes:
    text = body.decode("utf-8", "replace")
    return text.encode(draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])))


def _append(draw: Draw, body: bytes) -> bytes:
    return body + draw(st.sampled_from([b"\0", b"\n", b"{}", b",", b"]", body]))


BYTES: list[Callable[[Draw, bytes], bytes]] = [_cut, _flip, _flip, _lose, _insert, _insert, _other_charset, _append]


@st.composite
def mutants(draw: Draw) -> Mutant:
    """One request."""
    kind = draw(st.integers(0, 9))
    is_array = kind >= 7
    content = draw(documents())
    if is_array:
        content = b"[%s]" % b",".join([content, *(draw(documents()) for _ in range(draw(st.integers(0, 3))))])
    if content and draw(st.integers(0, 3)) == 0:
        content = draw(st.sampled_from(BYTES))(draw, content)
    # Now and then one where many are due, or the other way round.
    mutant = Mutant(content, content, is_batch=is_array != (kind == 9 and draw(st.booleans())))
    return draw(_compressed(mutant)) if draw(st.integers(0, 3)) == 0 else mutant


@st.composite
def _compressed(draw: Draw, mutant: Mutant) -> Mutant:
    encoding = draw(st.sampled_from(["gzip"] * 6 + ["x-gzip", "identity", "br", "gzip, gzip", "\xff"]))
    if "gzip" not in encoding:
        return replace(mutant, encoding=encoding)
    compressed = gzip.compress(mutant.content, 1, mtime=0)
    spoiled = draw(st.integers(0, 7))
    if spoiled == 0:
        compressed = gzip.compress(compressed, 1, mtime=0)
    elif spoiled == 1:
        compressed = draw(st.sampled_from(BYTES))(draw, compressed)
    elif spoiled == 2:
        return replace(mutant, encoding=encoding)  # not compressed at all
    return replace(mutant, sent=compressed, encoding=encoding)
