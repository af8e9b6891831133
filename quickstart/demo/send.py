"""Sends the sample data as a sender would: over HTTP, to intake, with API keys of connections created for it."""

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
_PATIENCE: Final = 30.0  # seconds, while intake answers that it cannot store events now


class DemoRefused(Exception):
    """Intake refused some or all of the sample data. The message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class SampleSource:
    connection: str
    type: Connection.Type
    events: Callable[[datetime], Iterable[Event]]

    def sorted_events(self, now: datetime) -> list[Event]:
        """The events of the weeks before `now`, in their order."""
        return sorted(self.events(now), key=lambda event: str(event["eventTime"]))


SAMPLE_SOURCES: Final = (
    SampleSource("Airflow production", Connection.Type.AIRFLOW, airflow.events),
    SampleSource("Shop warehouse (dbt)", Connection.Type.DBT, dbt.events),
    SampleSource("Data platform", Connection.Type.OPENLINEAGE, generic.events),
)


def send_demo(url: str, *, is_wanted: Callable[[], bool]) -> int:
    """Send the sample data to the server at `url`, once in the life of a database. Returns the number of events sent.

    Stops early when `is_wanted` returns False. Raises DemoRefused.
    """
    return sum(_send_source(source, url, is_wanted) for source in SAMPLE_SOURCES)


def _send_source(source: SampleSource, url: str, is_wanted: Callable[[], bool]) -> int:
    now = timezone.now().replace(second=0, microsecond=0)
    connection = _connection(source, now)
    if connection.api_keys.filter(name=_KEY_NAME).exists():
        return 0
    key = create_api_key(connection=connection, name=_KEY_NAME, created_by=None, now=timezone.now())
    sent = 0
    is_complete = False
    try:
        for batch in batches(source.sorted_events(now)):
            if not is_wanted():
                break
            send_batch(url, endpoint_path(connection), key.text, batch)
            sent += len(batch)
        else:
            is_complete = True
    finally:
        if not is_complete:
            # The key marks this source as sent. Without it the next start sends the source again.
            delete_api_key(api_key=key.api_key)
    return sent


def _connection(source: SampleSource, now: datetime) -> Connection:
    try:
        return create_connection(name=source.connection, type=source.type, created_by=None, now=now)
    except DuplicateName:
        return Connection.objects.get(name__iexact=source.connection, removed_at=None)


def endpoint_path(connection: Connection) -> str:
    return f"/gateway/openlineage/{connection.id}"


def batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    waiting = iter(events)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def send_batch(url: str, path: str, key: str, batch: list[Event]) -> None:
    """Send some events. `path`: where intake takes one event. Raises DemoRefused."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        status, answer = _post(url, f"{path}/batch", key, json.dumps(batch).encode())
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
            time.sleep(1)
            continue
        if status >= http.HTTPStatus.MULTIPLE_CHOICES or b'"partial_success"' in answer:
            raise DemoRefused(f"Intake answered {status} to the sample data: {_reason(answer)}")
        return


def _reason(answer: bytes) -> str:
    """Find out why intake refused a batch: the reason of the first event, or the error."""
    try:
        content = json.loads(answer)
        return str(content["failed_events"][0]["reason"] if "failed_events" in content else content["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return answer.decode(errors="replace")


def _post(url: str, path: str, key: str, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    client = kind(parts.netloc, timeout=60)
    try:
        client.request("POST", path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        response = client.getresponse()
        return response.status, response.read()
    except OSError as error:
        raise DemoRefused(f"Intake cannot be reached: {error}") from None
    finally:
        client.close()
