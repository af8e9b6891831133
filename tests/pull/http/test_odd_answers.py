"""Answers that are broken or mean harm are faults, and secrets stay in none of them, nor in the log."""

import gzip
import logging
import traceback
from collections.abc import Mapping

import pytest
import zstandard

from pull.http.client import Client
from pull.http.faults import Fault, FaultCode
from pull.http.hosts import AllowedHosts
from tests.pull.local_server import Answer, answering

ALLOWED = AllowedHosts.parse(["127.0.0.1"])
CANARY = "canary-of-a-secret"


def ask(answer: Answer, headers: Mapping[str, str] | None = None) -> bytes:
    with answering(lambda _: answer) as server, Client(server.url, ALLOWED, headers=headers) as client:
        return client.get("/x")


def fault_of(answer: Answer, headers: Mapping[str, str] | None = None) -> Fault:
    with pytest.raises(Fault) as raised:
        ask(answer, headers)
    return raised.value


PACKED = gzip.compress(b'{"a": 1}', mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("gzip", b"other", FaultCode.UNEXPECTED),
        ("gzip", PACKED[:-4], FaultCode.UNREACHABLE),
        # Bombs in bombs, and in what was not asked for: nothing of them is inflated.
        ("gzip, gzip", gzip.compress(PACKED, mtime=0), FaultCode.UNEXPECTED),
        ("zstd", zstandard.compress(b" "), FaultCode.UNEXPECTED),
    ],
    ids=["no gzip", "cut", "twice", "zstd"],
)
def test_packed_answers_that_are_not_read(encoding: str, body: bytes, code: FaultCode) -> None:
    assert fault_of(Answer(200, body, {"Content-Encoding": encoding})).code == code


def test_packed_answers_that_are_read() -> None:
    for body in (PACKED, PACKED + b"\0\0", b""):
        assert ask(Answer(200, body, {"Content-Encoding": "gzip"})) in (b'{"a": 1}', b"")
    large = gzip.compress(b"0123456789" * 100_000, mtime=0)
    assert ask(Answer(200, large, {"Content-Encoding": "gzip"})) == b"0123456789" * 100_000


def test_the_body_of_a_refusal_does_not_matter() -> None:
    assert fault_of(Answer(401, b"other", {"Content-Encoding": "br"})).code == FaultCode.UNAUTHORIZED


@pytest.mark.parametrize("location", ["http://[", "", "https://" + "a" * 5000])
def test_redirects_to_nowhere(location: str) -> None:
    fault = fault_of(Answer(302, b"", {"Location": location}))
    assert fault.code == FaultCode.REDIRECTED
    assert len(fault.words) < 400


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -0100", "9" * 5000, "x"])
def test_dates_that_are_none(date: str) -> None:
    fault = fault_of(Answer(503, b"", {"Retry-After": date}))
    assert fault.code == FaultCode.THROTTLED
    # A number is a pause, however long.
    assert (fault.retry_at is None) == (not date.isdecimal())


@pytest.mark.parametrize("token", [f"Bearer {CANARY}\nHost: x", f"Bearer {CANARY}\N{EN DASH}", f"{CANARY} "])
def test_tokens_that_http_cannot_send(token: str) -> None:
    fault = fault_of(Answer(), {"Authorization": token})
    assert fault.code == FaultCode.UNAUTHORIZED
    assert CANARY not in "".join(traceback.format_exception(fault))


def test_a_path_cannot_change_the_host() -> None:
    with answering(lambda _: Answer()) as server, Client(server.url, ALLOWED) as client:
        with pytest.raises(ValueError, match="slash"):
            client.get("@elsewhere.test/")
        with pytest.raises(Fault):
            client.get("/\x00")
        assert server.asked == []


def test_cookies_are_not_kept() -> None:
    answer = Answer(500, b"", {"Set-Cookie": "session=1"})
    with answering(lambda _: answer) as server, Client(server.url, ALLOWED) as client:
        for _ in range(2):
            with pytest.raises(Fault):
                client.get("/")
        assert "Cookie" not in server.asked[1].headers


def test_the_log_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Keep secrets out of the log at the levels that the product sets for the libraries."""
    caplog.set_level(logging.DEBUG)
    with answering(lambda _: Answer()) as server:
        with Client(server.url, ALLOWED, headers={"Authorization": CANARY}) as client:
            client.post("/x", {"password": CANARY}, {"token": CANARY})
        assert server.asked[0].headers["Authorization"] == CANARY
    assert CANARY not in caplog.text
