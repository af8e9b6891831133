from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from tests.api.rows import HOUR, NOW, make_activity, make_connection, make_job, make_key, make_running_runs

Read = Callable[..., Any]


def test_a_connection_that_nothing_came_from(read: Read) -> None:
    connection = make_connection("dbt nightly", "dbt")
    today = timezone.now().astimezone(UTC).date()
    assert read(f"connections/{connection.pk}") == {
        "id": str(connection.pk),
        "name": "dbt nightly",
        "type": "dbt",
        "status": "setup_incomplete",
        "reason": "No API key yet",
        "total_jobs": 0,
        "running_jobs": 0,
        "last_event_at": None,
        "created_at": "2026-01-31T12:00:00Z",
        "days": [
            {"date": str(today - timedelta(days=ago)), "ran": False, "failed": False} for ago in range(13, -1, -1)
        ],
    }


def test_a_connection_that_is_well(read: Read) -> None:
    connection = make_connection()
    make_key(connection)
    heard_at = timezone.now() - HOUR
    make_activity(connection, heard_at)
    make_job(connection, "idle")
    make_running_runs(make_job(connection, "busy"), 3)
    shown = read(f"connections/{connection.pk}")
    assert (shown["status"], shown["reason"]) == ("connected", None)
    assert (shown["total_jobs"], shown["running_jobs"]) == (2, 1)
    assert shown["last_event_at"] == heard_at.isoformat().replace("+00:00", "Z")


def test_the_list_goes_by_name_and_shows_what_each_one_shows(read: Read) -> None:
    for name in ("charlie", "alpha", "bravo"):
        make_activity(make_connection(name), NOW)
    results = read("connections")["results"]
    assert [connection["name"] for connection in results] == ["alpha", "bravo", "charlie"]
    assert results[0] == read(f"connections/{results[0]['id']}")


def test_a_removed_connection_is_gone(read: Read) -> None:
    removed = make_connection("removed", removed_at=NOW)
    assert read("connections")["results"] == []
    for path in ("", "/jobs", "/runs"):
        assert read(f"connections/{removed.pk}{path}", 404)["error"]["code"] == "not_found"


def test_an_id_that_nothing_has(read: Read) -> None:
    for path in ("", "/jobs", "/runs"):
        assert read(f"connections/{uuid4()}{path}", 404)["error"]["code"] == "not_found"


def test_ids_are_found_in_any_case(read: Read) -> None:
    connection = make_connection()
    assert read(f"connections/{str(connection.pk).upper()}")["id"] == str(connection.pk)
