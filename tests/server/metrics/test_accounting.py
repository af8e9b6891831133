"""Each request counts as exactly one of stored, repeat or rejected with a reason, and so does each event.

The sums over all workers match the sent requests, and the rows of the database.
"""

import gzip
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from connections import actions
from connections.keys import new_key
from connections.models import Attempt
from lineage.intake.group.admission import THREADS
from lineage.models import Event
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.documents import encoded, event
from tests.lineage.intake.http.test_keys import connected_to_each_worker
from tests.live_server import Sender
from tests.server.metrics.scrape import Scrape, scrape
from tests.serving import LiveServer
from tests.waiting import wait_until

Request = tuple[str, str, dict[str, str], bytes]  # method, path, headers, body

REQUESTS = "intake_requests_total"
EVENTS = "intake_events_total"


def batch(*events: object) -> bytes:
    return json.dumps(events).encode()


@pytest.fixture
def counted(server: LiveServer) -> Callable[[], Scrape]:
    """Return what was counted since the test began."""
    before = scrape(server)
    return lambda: scrape(server).since(before)


@pytest.fixture
def send_all(server: LiveServer) -> Iterator[Callable[[list[Request]], Counter[int]]]:
    """Send requests over connections to every worker at once, and count the responses by status."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in connected_to_each_worker(server)]

        def send_share(client: socket.socket, requests: list[Request]) -> list[int]:
            statuses = []
            for method, path, headers, body in requests:
                wire.send(client, method, path, headers, body)
                reply = wire.receive(client, method)
                statuses.append(reply.status)
                # If the response comes before the body was read, the connection may end.
                if reply.status >= 400:
                    client = stack.enter_context(socket.create_connection(client.getpeername(), wire.SECONDS))
            return statuses

        def send(requests: list[Request]) -> Counter[int]:
            with ThreadPoolExecutor(len(clients)) as threads:
                shares = [requests[number :: len(clients)] for number in range(len(clients))]
                return Counter(status for share in threads.map(send_share, clients, shares) for status in share)

        yield send


def mix(path: str, sender: Sender, other: Sender) -> list[Request]:
    """Make requests of every kind. One event comes in 20 requests of its own and in 5 batches."""
    stranger = {"Authorization": f"Bearer {new_key().text}"}
    gzipped = sender.headers | {"Content-Encoding": "gzip"}
    again = encoded()
    return [
        *(("POST", path, sender.headers, encoded()) for _ in range(40)),
        *(("POST", path, gzipped, gzip.compress(encoded())) for _ in range(10)),
        *(("POST", path, sender.headers, again) for _ in range(20)),
        *(("POST", f"{path}/batch", sender.headers, batch(event(), {}, event(), 7)) for _ in range(10)),
        *(("POST", f"{path}/batch", sender.headers, batch({}, None)) for _ in range(6)),
        *(("POST", f"{path}/batch", sender.headers, batch(json.loads(again))) for _ in range(5)),
        *(("POST", f"{path}/batch", sender.headers, batch()) for _ in range(2)),
        *(("POST", path, sender.headers, b"{") for _ in range(7)),
        *(("POST", f"{path}/batch", sender.headers, b"nonsense") for _ in range(3)),
        *(("POST", path, sender.headers, b"{}") for _ in range(8)),
        *(("POST", path, gzipped, b"no gzip") for _ in range(2)),
        *(("POST", path, sender.headers | {"Content-Encoding": "br"}, b"") for _ in range(2)),
        *(("POST", path, sender.headers | {"Content-Length": "99999999999"}, b"") for _ in range(3)),
        *(("POST", path, {}, encoded()) for _ in range(9)),
        *(("POST", path, stranger, encoded()) for _ in range(4)),
        *(("POST", path, other.headers, encoded()) for _ in range(5)),
        *(("POST", f"{path[:-4]}0000", sender.headers, encoded()) for _ in range(2)),
        *(("POST", "/gateway/openlineage", sender.headers, encoded()) for _ in range(3)),
        *(("GET", path, sender.headers, b"") for _ in range(11)),
    ]


REQUESTS_OF_MIX = {
    ("stored", ""): 40 + 10 + 1 + 10,
    ("repeat", ""): 19 + 5 + 2,
    ("rejected", "invalid_event"): 6 + 8,
    ("rejected", "not_json"): 7 + 3,
    ("rejected", "broken_gzip"): 2,
    ("rejected", "unsupported_encoding"): 2,
    ("rejected", "body_too_large"): 3,
    ("rejected", "key_refused"): 9 + 4,
    ("rejected", "key_of_another_connection"): 5,
    ("rejected", "unknown_connection"): 2,
    ("rejected", "unknown_path"): 3,
    ("rejected", "method_not_allowed"): 11,
}
EVENTS_OF_MIX = {
    ("stored", ""): 40 + 10 + 1 + 20,
    ("repeat", ""): 19 + 5,
    ("rejected", "invalid_event"): 20 + 12 + 8,
}


def test_a_known_mix_adds_up(
    server: LiveServer,
    sender: Sender,
    new_sender: Callable[..., Sender],
    send_all: Callable[[list[Request]], Counter[int]],
    counted: Callable[[], Scrape],
) -> None:
    requests = mix(server.path(sender.connection.id), sender, new_sender("Other"))

    statuses = send_all(requests)

    of_these = counted()
    by_ending = of_these.by_label(REQUESTS, "outcome", "reason")
    assert by_ending == REQUESTS_OF_MIX
    assert of_these.by_label(EVENTS, "outcome", "reason") == EVENTS_OF_MIX
    assert of_these.value("intake_request_seconds_count") == len(requests) == statuses.total()
    assert by_ending["rejected", "method_not_allowed"] == statuses[405]
    assert EVENTS_OF_MIX["stored", ""] == Event.objects.count()
    committed = EVENTS_OF_MIX["stored", ""] + EVENTS_OF_MIX["repeat", ""]
    assert of_these.value("commit_events_sum") == committed
    # Batches without events to commit are committed, too.
    assert 0 < of_these.value("commit_events_count") == of_these.value("commit_seconds_count") <= committed + 2 + 6
    # Each of the two workers verifies each key, if it receives it: as often as it receives it before it remembers it.
    assert 3 <= of_these.value("key_verifications_total", result="valid") <= 2 * 2 * THREADS
    assert of_these.value("key_verifications_total", result="unknown") == 4


def test_events_with_a_deleted_key(server: LiveServer, sender: Sender, counted: Callable[[], Scrape]) -> None:
    path = server.path(sender.connection.id)
    for client in connected_to_each_worker(server):
        wire.send(client, "POST", path, sender.headers, encoded())
        assert wire.receive(client).status == 201
        client.close()
    stored = Event.objects.count()
    actions.delete_api_key(api_key=sender.api_key)

    # That many events are committed in parts, and after the first refused part the others are not tried.
    events = [event() for _ in range(1200)]
    assert wire.post(server, f"{path}/batch", batch(*events, 7), sender.headers).status == 401

    assert counted().by_label(EVENTS, "outcome", "reason") == {
        ("stored", ""): stored,
        ("rejected", "key_refused"): 1200,
        ("rejected", "invalid_event"): 1,
    }
    assert counted().value(REQUESTS, outcome="rejected", reason="key_refused") == 1


def test_a_sender_that_hangs_up(server: LiveServer, sender: Sender, counted: Callable[[], Scrape]) -> None:
    path = server.path(sender.connection.id)
    with socket.create_connection(("127.0.0.1", server.port), wire.SECONDS) as client:
        wire.send(client, "POST", path, sender.headers | {"Content-Length": "1000"}, b'{"eventTime":')

    wait_until(lambda: counted().by_label(REQUESTS, "outcome", "reason") == {("rejected", "abandoned"): 1})


def test_what_the_sender_writes_makes_no_series(
    server: LiveServer, sender: Sender, counted: Callable[[], Scrape]
) -> None:
    """The number of series is fixed, whatever names senders write."""
    before = set(scrape(server).samples)
    path = server.path(sender.connection.id)
    for number in range(20):
        wire.post(server, path, encoded(job={"namespace": f"n{number}", "name": f"j{number}"}), sender.headers)
        wire.exchange(server, f"METHOD{number}", path, sender.headers)
        wire.post(server, f"/gateway/openlineage/{number}/{number}", b"", {"Content-Encoding": f"e{number}"})

    assert counted().value(REQUESTS, outcome="stored", reason="") == 20
    assert set(scrape(server).samples) == before
    assert Attempt.objects.exists()
