"""Bodies come back byte for byte: by the API, as a file, and when they are sent again."""

import json
import random
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from lineage.models import Event, Run
from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.wire import Reply

LIMIT = 16 * 1024 * 1024


def holding(text: str, size: int = 0) -> bytes:
    """An event with this JSON text in it; so many bytes long, where a size is given."""
    body = encoded(custom="HERE", padding="").replace(b'"HERE"', text.encode())
    missing = max(size - len(body), 0)
    # Text that is as random as it can be: half of it stays after compression.
    padding = random.Random(size).randbytes(missing // 2 + 1).hex()[:missing].encode()
    return body.replace(b'"padding": ""', b'"padding": "%s"' % padding)


BODIES = {
    "NUL": holding(r'"\u0000"'),
    "lone surrogates": holding(r'["\ud800", "\udfff\ud800", {"\udc00": 1}]'),
    "emoji": holding('{"é": "😀👩‍👩‍👧\u2028"}'),
    "white space": b" \r\n\t" + holding("[ ]\r\n") + b"\n\n",
    "no more than it must have": encoded(),
    "longer than a row may be": holding('"😀"', 20_000),
    "16 MiB": holding(r'"\u0000 \ud800 😀"', LIMIT),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_comes_back(body: bytes, deliver: Callable[..., Reply], client: Client, viewer: User) -> None:
    assert deliver(body).status == 201
    event = Event.objects.get()
    assert (event.body.encode() == body, event.body_bytes) == (True, len(body))
    client.force_login(viewer)
    run_id = Run.objects.get().run_id
    answered = client.get(f"/api/v1/runs/{run_id}/events").content
    # A file may begin and end with white space; a value in a document does so as well.
    assert b'"event":' + body + b"}]" in answered
    path = f"/connections/{event.connection_id}/runs/{run_id}/events/{event.id}.json"
    assert client.get(path).content == body
    # An equal body is a repeat.
    assert deliver(body).status == 200
    assert Event.objects.count() == 1


def test_a_batch_holds_them_all(deliver: Callable[..., Reply]) -> None:
    bodies = [body.strip() for body in BODIES.values() if len(body) < LIMIT]
    reply = deliver(b"[" + b" , ".join(bodies) + b"]", "/batch")
    assert (reply.status, json.loads(reply.body)["summary"]["failed"]) == (200, 0)
    assert {body.encode() for body in Event.objects.values_list("body", flat=True)} == set(bodies)
