"""Batches over real HTTP, as the OpenLineage specification has them (POST /lineage/batch)."""

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from connections.models import Attempt
from lineage.models import Event, Run
from tests.lineage.intake.http.documents import FULL, encoded, event, paths, put
from tests.lineage.intake.http.wire import Reply
from tests.live_server import Sender

NOT_EVENTS = [{}, [], "nonsense", 1, None, event(eventTime="yesterday"), event(run={"runId": 1})]


def batch(*events: Any) -> bytes:
    return json.dumps(events).encode()


def summary(received: int, successful: int) -> dict[str, int]:
    failed = received - successful
    return {
        "received": received,
        "successful": successful,
        "failed": failed,
        "retriable": 0,
        "non_retriable": failed,
    }


def test_all_good(deliver: Callable[..., Reply]) -> None:
    reply = deliver(batch(event(), event(), event()), "/batch")

    assert reply.status == 200
    assert json.loads(reply.body) == {"status": "success", "summary": summary(3, 3), "failed_events": []}
    assert Event.objects.count() == Run.objects.count() == 3


def test_a_bad_one_does_not_sink_its_siblings(deliver: Callable[..., Reply], sender: Sender) -> None:
    reply = deliver(batch(event(), *NOT_EVENTS, event()), "/batch")

    assert reply.status == 200
    answer = json.loads(reply.body)
    assert (answer["status"], answer["summary"]) == ("partial_success", summary(len(NOT_EVENTS) + 2, 2))
    assert [failed["index"] for failed in answer["failed_events"]] == list(range(1, len(NOT_EVENTS) + 1))
    assert all(failed["reason"] and failed["retriable"] is False for failed in answer["failed_events"])
    assert Event.objects.count() == 2
    [refused] = Attempt.objects.filter(connection=sender.connection, outcome="rejected")
    assert "7 of the 9 events" in refused.reason


def test_each_is_judged_as_if_it_were_alone(deliver: Callable[..., Reply]) -> None:
    """A wrong value in each field in turn: a batch refuses it like a single event, for an equal reason."""
    documents = []
    for number, (full, value) in enumerate(itertools.product(FULL.values(), (None, 1, "", "nonsense", [], {}))):
        for path in paths(document := full()):
            wrong = copy.deepcopy(document)
            put(wrong, path, value)
            documents.append(wrong | {"number": f"{number} {path}"})
    alone = [deliver(json.dumps(document).encode()) for document in documents]
    reasons = {
        index: json.loads(reply.body)["error"]["message"] for index, reply in enumerate(alone) if reply.status == 422
    }
    accepted = len(documents) - len(reasons)
    assert 50 < len(reasons) < accepted == Event.objects.count()

    answer = json.loads(deliver(batch(*documents), "/batch").body)

    refused = {failed["index"]: f"Not an OpenLineage event: {failed['reason']}." for failed in answer["failed_events"]}
    assert refused == reasons
    assert answer["summary"] == summary(len(documents), accepted)
    assert Event.objects.count() == accepted


def test_what_only_the_database_can_refuse_does_not_sink_its_siblings(deliver: Callable[..., Reply]) -> None:
    """An event is either stored whole or among the failed ones."""
    odd = event(run={"runId": "\0"}, job={"namespace": "\0", "name": "\0"}, eventTime="0001-01-01T00:00:00+14:00")

    reply = deliver(batch(event(), odd, event()), "/batch")

    answer = json.loads(reply.body)
    assert reply.status == 200
    assert Event.objects.count() == answer["summary"]["successful"] >= 2


def test_all_bad(deliver: Callable[..., Reply], sender: Sender) -> None:
    reply = deliver(batch(*NOT_EVENTS), "/batch")

    assert reply.status == 200
    assert json.loads(reply.body)["summary"] == summary(len(NOT_EVENTS), 0)
    assert not Event.objects.exists()
    assert Attempt.objects.get(connection=sender.connection).outcome == "rejected"


def test_an_empty_one(deliver: Callable[..., Reply]) -> None:
    reply = deliver(b"[]", "/batch")

    assert reply.status == 200
    assert json.loads(reply.body)["summary"] == summary(0, 0)


def test_the_same_event_twice_and_the_same_batch_again(deliver: Callable[..., Reply]) -> None:
    body = batch(*[event()] * 2)

    assert [deliver(body, "/batch").status for _ in range(2)] == [200, 200]
    assert Event.objects.count() == Run.objects.get().event_count == 1


def test_a_large_one(deliver: Callable[..., Reply]) -> None:
    reply = deliver(batch(*(event() for _ in range(2_000))), "/batch")

    assert json.loads(reply.body)["summary"] == summary(2_000, 2_000)
    assert Run.objects.count() == 2_000


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "not JSON"),
        (b"[", 400, "not JSON"),
        (b"[1,]", 400, "not JSON"),
        (b"nonsense", 400, "not JSON"),
        (b"\xff[]", 400, "not JSON"),
        (encoded(), 422, "Expected `array`"),
        (b"null", 422, "Expected `array`"),
        (b'"[]"', 422, "Expected `array`"),
    ],
)
def test_no_array(
    deliver: Callable[..., Reply], expect_refused: Callable[..., None], body: bytes, status: int, reason: str
) -> None:
    expect_refused(deliver(body, "/batch"), status, reason)


def test_an_array_where_one_event_is_due(deliver: Callable[..., Reply], expect_refused: Callable[..., None]) -> None:
    expect_refused(deliver(batch(event())), 422, "Expected one event, got an array")
