"""Bytes for one connection: requests with and without a key, with defects between and inside them, or any bytes."""

import re
from dataclasses import dataclass
from itertools import pairwise
from uuid import uuid4

from hypothesis import strategies as st

from tests.lineage.intake.http.documents import encoded

# Texts in the place of a sender's own, as long as those. Each server gets those of its own sender.
CONNECTION = b"00000000-0000-4000-8000-000000000000"
KEY = b"<key>"
WRONG_KEY = b"<wrong key>"
# The last request of each stream. If nothing before it is left incomplete, its answer ends the connection.
LAST = b"GET /health/live HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n"

_AUTHORIZATION = {"keyed": b"Authorization: Bearer " + KEY, "wrong": b"Authorization: Bearer " + WRONG_KEY}
# A head's first line, in which the parser allows several spaces. No event has one, because its end would have to be
# escaped there.
_FIRST_LINE = re.compile(rb"[A-Z]+ +\S+ +HTTP/\d\.\d\r\n")

_INSERTED = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b"0\r\n\r\n", b"\xa0"),
    *(b"Host: there\r\n", b"Content-Length: 4\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b" folded\r\n"),
    *(b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.0\r\nHost: here\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    b"Authorization: Bearer " + WRONG_KEY + b"\r\n",
]


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes, and the places at which they are cut into several sends."""

    content: bytes
    cuts: tuple[int, ...]

    def pieces(self, connection: bytes, key: bytes) -> list[bytes]:
        """Return the sends for a sender."""
        content = self.of(connection, key)
        cuts = sorted({cut % (len(content) + 1) for cut in self.cuts} | {0, len(content)})
        return [content[start:end] for start, end in pairwise(cuts)]

    def of(self, connection: bytes, key: bytes) -> bytes:
        wrong = key[:-1] + (b"A" if key[-1:] != b"A" else b"B")
        content = self.content.replace(CONNECTION, connection).replace(KEY, key).replace(WRONG_KEY, wrong)
        return content + LAST


def requests_with_key(content: bytes, key: bytes) -> list[bytes]:
    """Return the parts of a stream, each from the first line of a head to the next one, whose head has the key."""
    starts = [match.start() for match in _FIRST_LINE.finditer(content)]
    parts = [content[start:end] for start, end in pairwise([*starts, len(content)])]
    header = re.compile(rb"(?i)\nauthorization:[ \t]*bearer +" + re.escape(key) + rb"[ \t\xa0]*\r")
    return [part for part in parts if header.search(part)]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    cuts = tuple(draw(st.lists(st.integers(0, 5000), max_size=4)))
    if draw(st.integers(0, 5)) == 0:
        return Stream(draw(st.binary(max_size=200)), cuts)
    content = b"".join(_request(draw) for _ in range(draw(st.integers(1, 4))))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        content = _mutated(draw, content)
    return Stream(content, cuts)


def _request(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["keyed", "keyed", "keyless", "wrong", "page"]))
    if kind == "page":
        path = draw(st.sampled_from([b"/health/live", b"/api/v1/jobs", b"/", b"/nowhere"]))
        return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lines = [b"Host: localhost", *draw(st.sampled_from(_OPTIONAL))]
    if kind in _AUTHORIZATION:
        lines.insert(draw(st.integers(0, len(lines))), _AUTHORIZATION[kind])
    event = encoded(run={"runId": str(uuid4())})
    if draw(st.booleans()):
        length = len(event) + draw(st.sampled_from([0, 0, 0, 0, -3, 3, 1000, 1000]))
        framing, body = b"Content-Length: %d" % length, event
    else:
        # The run's id is not cut in two.
        framing, body = b"Transfer-Encoding: chunked", b"".join(map(_chunk, (event[:20], event[20:], b"")))
    lines.insert(draw(st.integers(0, len(lines))), framing)
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0"]))
    first = b"POST /gateway/openlineage/" + CONNECTION + b" HTTP/" + version
    return b"\r\n".join([first, *lines]) + b"\r\n\r\n" + body


_OPTIONAL: list[list[bytes]] = [
    *([], [], [b"Content-Type: application/json"], [b"Connection: keep-alive"], [b"Connection: close"]),
    [b"Expect: 100-continue"],
]


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _mutated(draw: st.DrawFn, content: bytes) -> bytes:
    start, end = sorted((_place(draw, content), _place(draw, content)))
    match draw(st.sampled_from(["insert", "delete", "repeat", "move", "replace"])):
        case "insert":
            return content[:start] + draw(st.sampled_from(_INSERTED) | st.binary(max_size=8)) + content[start:]
        case "delete":
            return content[:start] + content[end:]
        case "repeat":
            return content[:end] + content[start:]
        case "move":
            moved, rest = content[start:end], content[:start] + content[end:]
            at = _place(draw, rest)
            return rest[:at] + moved + rest[at:]
        case _:
            return content[:start] + draw(st.binary(min_size=1, max_size=1)) + content[start + 1 :]


def _place(draw: st.DrawFn, content: bytes) -> int:
    """Choose a place: mostly the beginning of a line, where most defects mean something."""
    lines = [match.end() for match in re.finditer(rb"\r\n|^", content)]
    if draw(st.integers(0, 3)) and lines:
        return draw(st.sampled_from(lines))
    return draw(st.integers(0, len(content)))
