"""Requests that servers may read in different ways: refused with the reason, and the connection is closed."""

import json
from collections.abc import Callable

import pytest

from lineage.models import Event
from tests.lineage.intake.http.documents import encoded
from tests.live_server import Sender
from tests.server.raw import Answer, answers_to, intake_head, post
from tests.serving import LiveServer

HOST = b"Host: here\r\n"

# Heads of any request, and words of the reason.
HEADS = {
    "two Host headers": (b"GET / HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n", "more than one Host"),
    "one Host header twice": (b"GET / HTTP/1.1\r\n%s%s\r\n" % (HOST, HOST), "more than one Host"),
    "two Host headers in HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: here\r\nHost: there\r\n\r\n", "more than one Host"),
    "no Host header": (b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", "no Host"),
    "two Authorization headers": (
        b"GET /api/v1/jobs HTTP/1.1\r\n%sAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n" % HOST,
        "more than one Authorization",
    ),
    "HTTP/0.9": (b"GET /\r\n\r\n", "not HTTP/0.9"),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\n%s\r\n" % HOST, "not HTTP/2.0"),
    "the first line of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not HTTP/2"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\n%s\r\n" % HOST, "Invalid HTTP version"),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : here\r\n\r\n", "Invalid header token"),
    "a space before the colon of a length": (
        b"GET / HTTP/1.1\r\n%sContent-Length : 3\r\n\r\n" % HOST,
        "Invalid header field char",
    ),
    "a header on two lines": (b"GET / HTTP/1.1\r\n%sX: a\r\n b\r\n\r\n" % HOST, "whitespace after header value"),
    "lines that end in LF": (b"GET / HTTP/1.1\nHost: here\n\n", "Expected CRLF"),
    "no path": (b"CONNECT there:443 HTTP/1.1\r\nHost: there:443\r\n\r\n", "names no path"),
    "no method": (b"\0\0\0\r\n\r\n", "Invalid method"),
}

# Lines of a POST with a key and an event in one chunk, and words of the reason. If one length counts, the event is
# whole; if the other does, it is the start of the next request.
LENGTHS = {
    "gzip in chunks": (["Transfer-Encoding: gzip, chunked"], "not `chunked`"),
    "gzip and chunks": (["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"], "not `chunked`"),
    "chunks twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "Transfer-Encoding"),
    "an unknown coding": (["Transfer-Encoding: xchunked"], "not `chunked`"),
    "identity": (["Transfer-Encoding: identity"], "not `chunked`"),
    "a length beside chunks": (["Content-Length: 4", "Transfer-Encoding: chunked"], "can't be present"),
    "chunks beside a length": (["Transfer-Encoding: chunked", "Content-Length: 4"], "can't be present"),
    "two lengths": (["Content-Length: {length}", "Content-Length: 4"], "Duplicate Content-Length"),
    "one length twice": (["Content-Length: {length}", "Content-Length: {length}"], "Duplicate Content-Length"),
    "a list of lengths": (["Content-Length: {length}, {length}"], "Invalid character in Content-Length"),
    "a length with a sign": (["Content-Length: +{length}"], "Invalid character in Content-Length"),
    "a coding on two lines": (["Transfer-Encoding:", " chunked"], "Invalid header value char"),
    "a space before the colon": (["Transfer-Encoding : chunked"], "Invalid header field char"),
}


def expect_refusal(answers: list[Answer], reason: str) -> None:
    [(status, body)] = answers
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (400, "malformed_request")
    assert reason in error["message"]


@pytest.mark.parametrize("case", HEADS)
def test_a_malformed_head(server: LiveServer, case: str) -> None:
    head, reason = HEADS[case]

    expect_refusal(answers_to(server, head), reason)


@pytest.mark.parametrize("case", HEADS)
def test_a_malformed_head_byte_by_byte(server: LiveServer, case: str) -> None:
    """Bytes after the one that decides are dropped, and do not reset the connection."""
    head, reason = HEADS[case]

    expect_refusal(answers_to(server, *(head[at : at + 1] for at in range(len(head)))), reason)


@pytest.mark.parametrize("case", LENGTHS)
def test_a_body_of_unclear_length(server: LiveServer, sender: Sender, case: str) -> None:
    lines, reason = LENGTHS[case]
    event = encoded()
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(event), event)
    head = intake_head(server, sender, *(line.format(length=len(body)) for line in lines))

    expect_refusal(answers_to(server, head + body), reason)
    assert not Event.objects.exists()


def test_chunks_in_http_1_0(server: LiveServer, sender: Sender) -> None:
    head = intake_head(server, sender, "Transfer-Encoding: chunked").replace(b"HTTP/1.1", b"HTTP/1.0")

    expect_refusal(answers_to(server, head + b"0\r\n\r\n"), "HTTP/1.0 has no Transfer-Encoding")


def test_two_keys_at_the_intake(server: LiveServer, new_sender: Callable[..., Sender]) -> None:
    """A proxy may look at the first one, and the intake at the last one."""
    one, other = new_sender("One"), new_sender("Other")
    line = f"authorization: {other.headers['Authorization']}"

    expect_refusal(answers_to(server, post(server, one, encoded(), line)), "more than one Authorization")
    expect_refusal(answers_to(server, post(server, other, encoded(), line)), "more than one Authorization")
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("rest", "code"), [(b"GET / HTTP/1.1\r\n\r\n", "malformed_request"), (b"GET /" + b"a" * 700_000, "head_too_large")]
)
def test_requests_before_the_malformed_one_are_answered(
    server: LiveServer, sender: Sender, rest: bytes, code: str
) -> None:
    """Their events are stored, so their sender must not take the refusal for the answer to them."""
    answers = answers_to(server, post(server, sender, encoded()) + post(server, sender, encoded()) + rest)

    assert [answer.status for answer in answers[:2]] == [201, 201]
    [refusal] = answers[2:]
    assert json.loads(refusal.body)["error"]["code"] == code
    assert Event.objects.count() == 2


@pytest.mark.parametrize("requests_before", [0, 1, 2])
def test_a_body_with_a_malformed_chunk(server: LiveServer, sender: Sender, requests_before: int) -> None:
    """The server refuses the request with that chunk alone, also if it does not handle it yet."""
    event = encoded()
    before = [post(server, sender, encoded()) for _ in range(requests_before)]
    head = intake_head(server, sender, "Transfer-Encoding: chunked")

    answers = answers_to(server, b"".join(before) + head + b"%x\r\n%s\r\n" % (len(event), event) + b"zero\r\n\r\n")

    assert [answer.status for answer in answers[:-1]] == [201] * requests_before
    expect_refusal(answers[-1:], "chunk size")
    assert Event.objects.count() == requests_before


def test_a_refusal_is_read_while_the_body_is_still_sent(server: LiveServer, sender: Sender) -> None:
    head = intake_head(server, sender, "Transfer-Encoding: gzip, chunked")
    chunk = b"%x\r\n%s\r\n" % (100_000, bytes(100_000))

    expect_refusal(answers_to(server, head, *[chunk] * 5), "not `chunked`")


def test_what_follows_a_request_to_upgrade_is_dropped(server: LiveServer, sender: Sender) -> None:
    """Send it in one piece and in two: the parser itself drops only what came in the piece of the request."""
    upgrade = b"GET /health/live HTTP/1.1\r\n%sConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" % HOST
    following = post(server, sender, encoded())

    assert [answer.status for answer in answers_to(server, upgrade + following)] == [200]
    assert [answer.status for answer in answers_to(server, upgrade, following)] == [200]
    assert not Event.objects.exists()
