"""A defect of ours is answered in JSON, counted, listed and logged, by either server; the next event is accepted."""

import asyncio
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from connections import actions
from connections.models import Attempt
from lineage.intake import exchange
from lineage.intake.group.asgi import IntakeInFront
from lineage.models import Event
from tests.lineage.build import run_event

pytestmark = pytest.mark.django_db(transaction=True)

# Sends a body to a path with a key; the answer's status, content type and body.
Post = Callable[[str, str, bytes], tuple[int, str, bytes]]


def post_to_view(path: str, key: str, body: bytes) -> tuple[int, str, bytes]:
    bearer = {"Authorization": f"Bearer {key}"}
    response = Client().post(path, body, content_type="application/json", headers=bearer)
    return response.status_code, response.headers["Content-Type"], response.content


def post_to_front(path: str, key: str, body: bytes) -> tuple[int, str, bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def passed_on(*_: Any) -> None:
        raise AssertionError

    headers = [(b"authorization", f"Bearer {key}".encode())]
    scope = {
        "type": "http",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "method": "POST",
        "path": path,
        "headers": headers,
    }
    front = IntakeInFront(passed_on)
    # A thread of its own: browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, front(scope, receive, send)).result()
    # The thread keeps a session for itself as long as it lives.
    front.stop()
    head, tail = sent
    return head["status"], dict(head["headers"])[b"content-type"].decode(), tail["body"]


@pytest.mark.parametrize("post", [post_to_view, post_to_front])
def test_a_defect(post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def counted() -> float:
        labels = {"outcome": "rejected", "reason": "internal_error"}
        return REGISTRY.get_sample_value("observatory_intake_requests_total", labels) or 0

    def fail(_body: bytes) -> None:
        raise ZeroDivisionError("of ours")

    now, before = timezone.now(), counted()
    owner = actions.create_connection(name=uuid.uuid4().hex, type="dbt", created_by=None, now=now)
    key = actions.create_api_key(connection=owner, name="laptop", created_by=None, now=now).text
    path = f"/gateway/openlineage/{owner.id}"

    with monkeypatch.context() as patched:
        patched.setattr(exchange, "decode_event", fail)
        status, content_type, body = post(path, key, run_event())

    assert (status, content_type) == (500, "application/json")
    assert json.loads(body)["error"]["code"] == "internal_error"
    assert b"of ours" not in body
    assert counted() == before + 1
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.status, attempt.key_name) == ("rejected", 500, "laptop")
    assert "ZeroDivisionError" in caplog.text
    assert not Event.objects.exists()

    assert post(path, key, run_event())[0] == 201
