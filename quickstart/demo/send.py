"""Sends the sample data as a sender would: over HTTP, through the intake, with keys of its own connections."""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from django.utils import timezone

from connections.actions import DuplicateName, create_api_key, create_connection, delete_api_key
from connections.models import Connection
from quickstart.demo import airflow, dbt, generic
from quickstart.demo.executions import Event

_KEY_NAME: Final = "Sample data"
_BATCH: Final = 250
_PATIENCE: Final = 30.0  # seconds, while the intake says that it cannot store just now


class DemoRefused(Exception):
    """The intake took none of it, or not all. Its text is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Story:
    connection: str
    type: Connection.Type
    events: Callable[[datetime], Iterable[Event]]


STORIES: Final = (
    Story("Airflow production", Connection.Type.AIRFLOW, airflow.events),
    Story("Shop warehouse (dbt)", Connection.Type.DBT, dbt.events),
    Story("Data platform", Connection.Type.OPENLINEAGE, generic.events),
)


def send_demo(url: str, *, is_wanted: Callable[[], bool]) -> int:
    """Sends each story once in the life of a database, to the server at `url`; returns how many events were sent.

    Ends early when `is_wanted` says no. Raises DemoRefused.
    """
    return sum(_send_story(story, url, is_wanted) for story in STORIES)


def _send_story(story: Story, url: str, is_wanted: Callable[[], bool]) -> int:
    now = timezone.now().replace(second=0, microsecond=0)
    connection = _connection(story, now)
    if connection.api_keys.filter(name=_KEY_NAME).exists():
        return 0
    key = create_api_key(connection=connection, name=_KEY_NAME, created_by=None, now=timezone.now())
    sent = 0
    is_whole = False
    try:
        for batch in _batches(sorted(story.events(now), key=lambda event: str(event["eventTime"]))):
            if not is_wanted():
                break
            _send(url, connection, key.text, batch)
            sent += len(batch)
        else:
            is_whole = True
    finally:
        if not is_whole:
            # The key is the sign that the story was told: the next start tells it again.
            delete_api_key(api_key=key.api_key)
    return sent


def _connection(story: Story, now: datetime) -> Connection:
    try:
        return create_connection(name=story.connection, type=story.type, created_by=None, now=now)
    except DuplicateName:
        return Connection.objects.get(name__iexact=story.connection, removed_at=None)


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    waiting = iter(events)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _send(url: str, connection: Connection, key: str, batch: list[Event]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        status, answer = _post(url, f"/gateway/openlineage/{connection.id}/batch", key, json.dumps(batch).encode())
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
            time.sleep(1)
            continue
        if status >= http.HTTPStatus.MULTIPLE_CHOICES or b'"partial_success"' in answer:
            raise DemoRefused(f"The intake answered {status} to the sample data: {answer.decode(errors='replace')}")
        return


def _post(url: str, path: str, key: str, body: bytes) -> tuple[int, bytes]:
    client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        client.request("POST", path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        response = client.getresponse()
        return response.status, response.read()
    except OSError as error:
        raise DemoRefused(f"The intake cannot be reached: {error}") from None
    finally:
        client.close()
