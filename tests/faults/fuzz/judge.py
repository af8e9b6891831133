"""Sends mutants over many connections at once, and checks that what was answered is what happened."""

import http.client
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from lineage.events import Event as Decoded
from lineage.events import InvalidEvent, NotJson, decode_batch
from lineage.events.identity import event_id
from lineage.models import Event
from tests.faults.fuzz.mutations import Mutant
from tests.faults.fuzz.parsing import DEEP, depth, strictly_parsed
from tests.live_server import Sender
from tests.serving import LiveServer

CONNECTIONS = 16
SECONDS = 30
CODES = {400: {"not_json", "broken_gzip"}, 415: {"unsupported_encoding"}, 422: {"invalid_event"}}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    type: str | None
    content: Any


class Judge:
    """Keeps the ledger of one sender: `stored` are the ids of the events that were acknowledged."""

    def __init__(self, server: LiveServer, sender: Sender) -> None:
        self.sender = sender
        self.stored: set[UUID] = set()
        self.answers: Counter[int] = Counter()
        self._path = server.path(sender.connection.id)
        # As many as there are threads: each takes one for the time of a request.
        self._idle: SimpleQueue[http.client.HTTPConnection] = SimpleQueue()
        for _ in range(CONNECTIONS):
            self._idle.put(http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS))
        self._threads = ThreadPoolExecutor(CONNECTIONS)

    def close(self) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().close()

    def judge(self, mutants: Sequence[Mutant]) -> None:
        """Sends all at once."""
        replies = list(self._threads.map(self._deliver, mutants))
        self.answers.update(reply.status for reply in replies)
        acknowledged, told_new, refused = set(), Counter[UUID](), set()
        for mutant, reply in zip(mutants, replies, strict=True):
            ids = _ids_of_batch(mutant, reply) if mutant.is_batch else _id_of_event(mutant, reply)
            acknowledged |= ids
            refused |= {event_id(mutant.content)} - ids
            if reply.status == 201:
                told_new.update(ids)
        assert all(count == 1 for count in told_new.values()), "told twice that an event is new"
        assert not told_new.keys() & self.stored, "told that an event is new, which is not"
        found = Counter(
            Event.objects.of(self.sender.connection).filter(id__in=acknowledged | refused).values_list("id", flat=True)
        )
        assert found == Counter(acknowledged | (refused & self.stored)), [mutant.content[:2_000] for mutant in mutants]
        self.stored |= acknowledged

    def _deliver(self, mutant: Mutant) -> Reply:
        connection = self._idle.get()
        try:
            headers = self.sender.headers | ({"Content-Encoding": mutant.encoding} if mutant.encoding else {})
            path = self._path + ("/batch" if mutant.is_batch else "")
            connection.request("POST", path, mutant.sent, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise AssertionError(f"no answer to {mutant.content[:2_000]!r}") from error
        finally:
            self._idle.put(connection)
        assert response.status in {200, 201, *CODES}, (response.status, content, mutant.content[:2_000])
        return Reply(response.status, response.headers["Content-Type"], json.loads(content))


def _id_of_event(mutant: Mutant, reply: Reply) -> set[UUID]:
    """Return the ids of acknowledged events."""
    if _is_refusal(mutant, reply):
        return set()
    assert reply.content == {"outcome": {200: "repeat", 201: "stored"}[reply.status]}
    assert isinstance(strictly_parsed(mutant.content), dict)
    return {event_id(mutant.content)}


def _ids_of_batch(mutant: Mutant, reply: Reply) -> set[UUID]:
    if _is_refusal(mutant, reply):
        return set()
    elements = decode_batch(mutant.content)
    failed = {failure["index"]: failure["reason"] for failure in reply.content["failed_events"]}
    assert all(_is_in_words(reason) for reason in failed.values())
    assert reply.status == 200
    assert reply.content["status"] == ("partial_success" if failed else "success")
    assert reply.content["summary"] == {
        "received": len(elements),
        "successful": len(elements) - len(failed),
        "failed": len(failed),
        "retriable": 0,
        "non_retriable": len(failed),
    }
    accepted = [element for index, element in enumerate(elements) if index not in failed]
    assert not any(isinstance(element, InvalidEvent) for element in accepted)
    assert len(strictly_parsed(mutant.content)) == len(elements)
    return {element.id for element in accepted if isinstance(element, Decoded)}


def _is_refusal(mutant: Mutant, reply: Reply) -> bool:
    assert reply.type == "application/json"
    if reply.status < 300:
        return False
    error = reply.content["error"]
    assert error.keys() == {"code", "message", "detail"}
    assert error["code"] in CODES[reply.status]
    assert _is_in_words(error["message"]), error
    if error["code"] in {"not_json", "invalid_event"} and mutant.content == mutant.sent:
        is_json = strictly_parsed(mutant.content) is not NotJson
        # What is nested too deeply to be judged may be told to be either.
        assert is_json == (error["code"] == "invalid_event") or depth(mutant.content) >= DEEP, (error, mutant.content)
    return True


def _is_in_words(message: str) -> bool:
    return 10 < len(message) < 400 and "Traceback" not in message and "Error" not in message
