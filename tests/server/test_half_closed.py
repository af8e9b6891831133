"""Clients that close their side of the connection after a request, as `nc -N` does: they get the answer to it."""

import json

import pytest

from lineage.models import Event
from tests.lineage.intake.http.documents import encoded
from tests.live_server import Sender
from tests.server.raw import answers_to, intake_head, post, post_in_chunks
from tests.serving import LiveServer

PAGE = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n"


def statuses(server: LiveServer, *pieces: bytes) -> list[int]:
    return [answer.status for answer in answers_to(server, *pieces, half_closes=True)]


def test_an_event(server: LiveServer, sender: Sender) -> None:
    assert statuses(server, post(server, sender, encoded())) == [201]
    assert Event.objects.count() == 1


def test_a_large_event(server: LiveServer, sender: Sender) -> None:
    """The server stops reading for a while, and decodes it in a thread."""
    assert statuses(server, post(server, sender, encoded(padding="x" * 2_000_000))) == [201]
    assert Event.objects.count() == 1


def test_an_event_in_chunks(server: LiveServer, sender: Sender) -> None:
    event = encoded()

    assert statuses(server, post_in_chunks(server, sender, event[:20], event[20:])) == [201]
    assert Event.objects.count() == 1


def test_a_page(server: LiveServer) -> None:
    [(status, body)] = answers_to(server, PAGE, half_closes=True)

    assert status == 200
    assert body.rstrip().endswith(b"</html>")


def test_several_requests_at_once(server: LiveServer, sender: Sender) -> None:
    pieces = [post(server, sender, encoded()), PAGE, post(server, sender, encoded())]

    assert statuses(server, b"".join(pieces)) == [201, 200, 201]
    assert statuses(server, *pieces) == [200, 200, 200]
    assert Event.objects.count() == 2


def test_a_connection_without_a_request(server: LiveServer) -> None:
    assert statuses(server) == []
    assert statuses(server, b"\r\n\r\n") == []
    assert statuses(server, b"GET /health/live HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n") == [200]


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_request_that_is_not_whole(server: LiveServer, sender: Sender, before: int) -> None:
    """The server refuses and does not store it, and answers the requests before it."""
    cuts = [
        b"GET /\r\n",
        intake_head(server, sender)[:-2],
        post(server, sender, encoded())[:-1],
        post_in_chunks(server, sender, encoded())[:-1],
    ]
    for cut in cuts:
        whole = b"".join(post(server, sender, encoded()) for _ in range(before))
        answers = answers_to(server, whole + cut, half_closes=True)

        assert [answer.status for answer in answers] == [201] * before + [400]
        assert json.loads(answers[-1].body)["error"]["code"] == "incomplete_request"
    assert Event.objects.count() == before * len(cuts)
