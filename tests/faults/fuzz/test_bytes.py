"""Any bytes, and requests with defects: several on one connection, in any number of sends.

The product answers them as uvicorn's own protocol does, and stores nothing that did not come with its own key. The
answers differ on purpose in these cases, so the test allows them:
- A head that uvicorn accepts and server/refusals.py refuses gets 400.
- The body of each 400 of the protocol gives the reason, in the form of all errors.
- Requests before a malformed one are answered first. If the connection ends with one of them, that is all. uvicorn
  sends its 400 at once, and drops their answers.
- A client that closes its side gets the answers to its whole requests, and 400 if one is not whole. uvicorn closes the
  connection without an answer.
- What follows a request to upgrade is dropped. No stream has one, because uvicorn's answers depend on the sends.
"""

import contextlib
import json
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from lineage.models import Event
from tests.faults.fuzz.streams import Stream, requests_with_key, streams
from tests.faults.scale import scaled, tell
from tests.live_server import Sender, serve_tests
from tests.server.raw import Answer, connect, read_answers
from tests.serving import LiveServer

STREAMS = scaled(250, 20_000)
SETTINGS = settings(
    max_examples=STREAMS, deadline=None, suppress_health_check=list(HealthCheck), database=None, print_blob=True
)
# More than a stream has, also after its parts were repeated.
_MOST_EVENTS = 50
# Between two sends, so that the server mostly reads them one by one. Each answer is right anyway.
_PAUSE_SECONDS = 0.001
_UVICORNS_REFUSAL = Answer(400, b"Invalid HTTP request received.")
# Refusals of heads that uvicorn accepts: words of server/refusals.py.
_STRICTER = (
    "this server speaks HTTP/1.1",
    "more than one",
    "no Host header",
    "Transfer-Encoding is not",
    "HTTP/1.0 has",
)


@pytest.fixture
def plain(server: LiveServer, tmp_path: Path) -> Iterator[LiveServer]:
    """Server with uvicorn's own protocol, on the database of the product's."""
    arguments = ("--worker-class", "tests.faults.fuzz.plain.PlainWorker")
    with serve_tests(tmp_path / "plain.txt", arguments=arguments, workers=1) as plain:
        yield plain


def send(client: socket.socket, pieces: list[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for piece in pieces:
            client.sendall(piece)
            select.select([client], [], [], _PAUSE_SECONDS)


def receive(client: socket.socket, answers: int | None = None) -> list[Answer]:
    """Read until the server closes the connection, or until there are so many answers."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while answers is None or len(list(read_answers(received))) < answers:
            piece = client.recv(65536)
            if not piece:
                break
            received += piece
    return list(read_answers(received))


def answers_of_product(server: LiveServer, pieces: list[bytes]) -> list[Answer]:
    with connect(server) as client:
        send(client, pieces)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
        return receive(client)


def answers_of_uvicorn(plain: LiveServer, pieces: list[bytes], expected: int) -> list[Answer]:
    """Read the expected answers, and then those that are too many."""
    with connect(plain) as client:
        send(client, pieces)
        answers = receive(client, expected)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
        return answers + receive(client)


def refusal_of(answers: list[Answer]) -> tuple[str, str]:
    """Return code and message of the protocol's refusal, which ends the answers; empty: it refused nothing."""
    try:
        error = json.loads(answers[-1].body)["error"]
    except (IndexError, ValueError, TypeError, KeyError):
        return "", ""
    is_of_protocol = error["code"] in {"malformed_request", "incomplete_request"}
    return (error["code"], error["message"]) if is_of_protocol else ("", "")


def check_alike(ours: list[Answer], code: str, message: str, plain: list[Answer]) -> None:
    """Check that the answers differ on purpose only."""
    has_uvicorn_refused = plain[-1:] == [_UVICORNS_REFUSAL]
    if not code and not has_uvicorn_refused:
        assert ours == plain
        return
    ours = ours[:-1] if code else ours
    plain = plain[:-1] if has_uvicorn_refused else plain
    if not any(words in message for words in _STRICTER):
        # A request may be refused for its key before its body is found to be malformed, or for its body at once.
        assert len(plain) <= len(ours) + 1
    # uvicorn may have dropped some.
    both = min(len(ours), len(plain))
    assert ours[:both] == plain[:both]


class Ledger:
    """Compares answers with the stored events of a sender."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._seen: set[object] = set()

    def check(self, content: bytes, answers: list[Answer]) -> None:
        newest = Event.objects.of(self._sender.connection).order_by("-received_at")[:_MOST_EVENTS]
        new = {event.id: event.body for event in newest if event.id not in self._seen}
        self._seen |= new.keys()
        accepted = Counter(answer.status for answer in answers if b'"outcome"' in answer.body)
        assert accepted[201] == len(new)
        assert not accepted[200] or new, "a repeat of what was never stored"
        parts = requests_with_key(content, self._sender.key.encode())
        assert accepted.total() <= len(parts)
        for body in new.values():
            run_id = json.loads(body)["run"]["runId"].encode()
            assert any(run_id in part for part in parts), "stored without a key of its own"


def test_bytes_are_answered_as_by_uvicorn_and_stored_by_their_own_key(
    server: LiveServer, plain: LiveServer, new_sender: Callable[..., Sender]
) -> None:
    one, other = new_sender("One"), new_sender("Other")
    ledger = Ledger(one)
    found: Counter[str] = Counter()

    @SETTINGS
    @given(streams())
    def judge(stream: Stream) -> None:
        note(str(stream))
        connection, key = str(one.connection.id).encode(), one.key.encode()
        ours = answers_of_product(server, stream.pieces(connection, key))
        ledger.check(stream.of(connection, key), ours)
        code, message = refusal_of(ours)
        connection, key = str(other.connection.id).encode(), other.key.encode()
        expected = len(ours) - bool(code)
        check_alike(ours, code, message, answers_of_uvicorn(plain, stream.pieces(connection, key), expected))
        found.update(str(answer.status) for answer in ours)
        found[code] += 1

    judge()

    tell(str(found))
    # The streams are worth sending: neither all valid nor all refused.
    assert all(found[what] for what in ("201", "401", "malformed_request", ""))
