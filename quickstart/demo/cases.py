"""Sends one case of the sample data to a connection, or under a namespace, over HTTP, with a key of its own.

A case is the sample data of one type of connection, named like the type.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connections.actions import create_api_key, delete_api_key
from connections.models import Connection
from connections.workspace_keys import create_workspace_key, delete_workspace_key
from quickstart.demo.executions import Event
from quickstart.demo.send import SAMPLE_SOURCES, batches, endpoint_path, send_batch

CASES: Final = {source.type.value: source for source in SAMPLE_SOURCES}
_WORKSPACE_PATH: Final = "/api/v1/lineage"


def send_to_connection(url: str, *, connection: Connection, case: str, now: datetime) -> int:
    """Send a case with a new API key of the connection, which ends then. Returns the number of events.

    Raises DemoRefused.
    """
    key = create_api_key(connection=connection, name=_key_name(), created_by=None, now=now)
    try:
        return _send(url, endpoint_path(connection), key.text, CASES[case].sorted_events(now))
    finally:
        delete_api_key(api_key=key.api_key)


def send_by_namespace(url: str, *, namespace: str, case: str, now: datetime) -> int:
    """Send a case whose jobs have this namespace, with a new workspace key, which ends then. Returns and raises as
    above."""
    expires_at = now + timedelta(hours=1)
    key = create_workspace_key(name=_key_name(), expires_at=expires_at, created_by=None, now=now)
    try:
        events = [in_namespace(event, namespace) for event in CASES[case].sorted_events(now)]
        return _send(url, _WORKSPACE_PATH, key.text, events)
    finally:
        delete_workspace_key(workspace_key=key.workspace_key)


def in_namespace(part: Any, namespace: str) -> Any:
    """Return a copy of an event, or of a part of one, in which each job has this namespace."""
    if isinstance(part, list):
        return [in_namespace(one, namespace) for one in part]
    if not isinstance(part, Mapping):
        return part
    changed = {name: in_namespace(value, namespace) for name, value in part.items()}
    if isinstance(job := changed.get("job"), dict) and "namespace" in job:
        job["namespace"] = namespace
    return changed


def _send(url: str, path: str, key: str, events: list[Event]) -> int:
    for batch in batches(events):
        send_batch(url, path, key, batch)
    return len(events)


def _key_name() -> str:
    return f"Sample events {secrets.token_hex(4)}"
