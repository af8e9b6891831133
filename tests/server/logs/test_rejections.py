"""Log lines of the running product for rejected requests: one each, with code, status and connection."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connections.keys import new_key
from lineage.models import Event
from server.log_floods import LINES, SECONDS
from tests.lineage.intake.http.documents import encoded, event
from tests.lineage.intake.http.wire import exchange, post
from tests.live_server import Sender, serve_tests, with_lookup_of
from tests.server.metrics.scrape import scrape
from tests.serving import WORKERS, LiveServer
from tests.waiting import wait_until

Lines = list[dict[str, Any]]


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[LiveServer]:
    """Server for one test, without requests of other tests."""
    with serve_tests(tmp_path / "log.txt") as server:
        yield server


@pytest.fixture
def logged(server: LiveServer) -> Callable[[], Lines]:
    """Read the lines since the test began."""
    begin = server.log.stat().st_size

    def read() -> Lines:
        with server.log.open("rb") as log:
            log.seek(begin)
            return [json.loads(line) for line in log if line.startswith(b"{")]

    return read


def logged_lines(logged: Callable[[], Lines], count: int) -> Lines:
    """Lines since the test began, as soon as there are so many: a worker writes them after its answers."""
    wait_until(lambda: len(logged()) >= count, f"{count} lines are logged")
    return logged()


def rejections(lines: Lines) -> Lines:
    return [line for line in lines if line["event"] == "intake_rejected"]


def test_each_rejection_is_one_line(
    server: LiveServer, sender: Sender, new_sender: Callable[..., Sender], logged: Callable[[], Lines]
) -> None:
    path, mine = server.path(sender.connection.id), str(sender.connection.id)
    unknown, other = uuid4(), new_sender("Other")
    stranger = {"Authorization": f"Bearer {new_key().text}"}
    cut = {"Authorization": f"Bearer {sender.key[:-1]}"}
    wrong = {"Authorization": f"Bearer {with_lookup_of(sender.key)}"}
    secret = "the text of the job"
    cases: list[tuple[str, str, dict[str, str], bytes, tuple[str, str | None]]] = [
        ("POST", path, sender.headers, secret.encode(), ("not_json", mine)),
        ("POST", path, sender.headers, b"{}", ("invalid_event", mine)),
        ("POST", f"{path}/batch", sender.headers, b"[1, {}]", ("invalid_event", mine)),
        ("POST", path, {}, encoded(), ("key_refused", mine)),
        ("POST", path, stranger, encoded(), ("key_refused", mine)),
        ("POST", path, cut, encoded(), ("key_refused", mine)),
        ("POST", path, wrong, encoded(), ("key_refused", mine)),
        ("POST", "/api/v1/lineage", stranger, encoded(), ("key_refused", None)),
        ("POST", path, other.headers, encoded(), ("key_of_another_connection", mine)),
        ("POST", server.path(unknown), sender.headers, encoded(), ("unknown_connection", str(unknown))),
        ("POST", f"{path}/events", sender.headers, encoded(), ("unknown_path", mine)),
        ("GET", path, sender.headers, b"", ("method_not_allowed", mine)),
    ]
    rejected = [
        (exchange(server, method, to, headers, body).status, *expected) for method, to, headers, body, expected in cases
    ]
    assert post(server, path, encoded(), sender.headers).status == 201

    lines = rejections(logged_lines(logged, len(cases)))
    assert [(line["status"], line["code"], line["connection_id"]) for line in lines] == rejected
    assert all(line["level"] == "info" and line["logger"].startswith("lineage.") for line in lines)
    text = json.dumps(lines)
    for key in (sender.key, other.key, stranger["Authorization"]):
        assert key.split("_")[2] not in text
    assert secret not in text


def test_a_batch_that_is_refused_in_part_is_one_line(
    server: LiveServer, sender: Sender, logged: Callable[[], Lines]
) -> None:
    body = json.dumps([event(), {}, event(), 1]).encode()

    assert post(server, server.path(sender.connection.id, "/batch"), body, sender.headers).status == 200

    [line] = logged_lines(logged, 1)
    assert (line["event"], line["rejected"], line["received"]) == ("intake_batch_partly_rejected", 2, 4)
    assert line["connection_id"] == str(sender.connection.id)


def test_a_flood_of_bad_requests_floods_no_log(server: LiveServer, sender: Sender, logged: Callable[[], Lines]) -> None:
    """Every request is counted nevertheless, and other lines are logged."""
    before = scrape(server)
    path = server.path(sender.connection.id)
    flood = 1000
    begin = time.monotonic()
    for number in range(flood):
        assert post(server, path, b"{" * (number % 2), sender.headers).status == 400
    stretches = 1 + (time.monotonic() - begin) // SECONDS
    assert post(server, path, b"{}", sender.headers).status == 422

    wait_until(lambda: any(line["code"] == "invalid_event" for line in rejections(logged())), "the last is logged")
    counts = Counter(line["code"] for line in rejections(logged()))
    assert LINES <= counts["not_json"] <= WORKERS * LINES * (stretches + 1)
    assert counts["invalid_event"] == 1
    counted = scrape(server).since(before)
    assert counted.value("intake_requests_total", outcome="rejected", reason="not_json") == flood
    assert not Event.objects.exists()
