from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import ApiKey, Attempt
from pull.models import PullSource
from tests.api.rows import HOUR, NOW, make_activity, make_connection, make_job, make_key, make_run, make_running_runs

Read = Callable[..., Any]


# What a connection alone shows, beyond a list's row, before anything arrived.
NOTHING_MORE: dict[str, Any] = {"last_24_hours": {"runs": 0, "failed": 0}, "api_keys": [], "attempts": []}


def test_a_connection_that_nothing_came_from(read: Read) -> None:
    connection = make_connection("dbt nightly", "dbt")
    today = timezone.now().astimezone(UTC).date()
    assert read(f"connections/{connection.pk}") == {
        "id": str(connection.pk),
        "name": "dbt nightly",
        "type": "dbt",
        "status": "setup_incomplete",
        "reason": "No API key yet",
        "reason_at": None,
        "total_jobs": 0,
        "running_jobs": 0,
        "failing_jobs": 0,
        "lost_jobs": 0,
        "first_event_at": None,
        "first_job_name": None,
        "last_event_at": None,
        "created_at": "2026-01-31T12:00:00Z",
        "days": [{"date": str(today - timedelta(days=ago)), "runs": 0, "failed": 0} for ago in range(13, -1, -1)],
        "source": None,
        **NOTHING_MORE,
    }


def test_a_connection_that_is_well(read: Read) -> None:
    connection = make_connection()
    make_key(connection)
    heard_at = timezone.now() - HOUR
    make_activity(connection, heard_at, "idle")
    make_job(connection, "idle")
    make_job(connection, "broken", latest_run_id=uuid4(), latest_run_state="FAILED", latest_run_at=NOW)
    make_running_runs(make_job(connection, "busy"), 3)
    shown = read(f"connections/{connection.pk}")
    assert (shown["status"], shown["reason"]) == ("connected", None)
    assert (shown["total_jobs"], shown["running_jobs"], shown["failing_jobs"]) == (3, 1, 1)
    assert shown["first_event_at"] == shown["last_event_at"] == in_utc(heard_at)
    assert shown["first_job_name"] == "idle"


def test_how_it_went_lately(read: Read) -> None:
    connection, now = make_connection(), timezone.now()
    job = make_job(connection)
    for hours, outcome in ((1, "COMPLETE"), (2, "FAIL"), (23, "FAIL"), (25, "FAIL")):
        make_run(job, started_at=now - hours * HOUR, ended_at=now, terminal_type=outcome)
    assert read(f"connections/{connection.pk}")["last_24_hours"] == {"runs": 3, "failed": 2}


def test_who_may_send(read: Read, person: User) -> None:
    connection, now = make_connection(), timezone.now()
    key = make_key(connection, "old")
    ApiKey.objects.filter(pk=key.pk).update(last_characters="wxyz", created_by=person, last_used_at=now)
    ApiKey.objects.create(connection=connection, name="new", lookup="new", last_characters="abcd", created_at=now)
    shown = read(f"connections/{connection.pk}")["api_keys"]
    assert shown == [
        {
            "name": "old",
            "last_characters": "wxyz",
            "created_at": in_utc(NOW),
            "created_by": "ada",
            "last_used_at": in_utc(now),
        },
        {
            "name": "new",
            "last_characters": "abcd",
            "created_at": in_utc(now),
            "created_by": None,
            "last_used_at": None,
        },
    ]


def test_what_arrived_and_what_was_refused(read: Read) -> None:
    connection = make_connection()
    make_key(connection)
    for seconds in range(20):
        at = NOW + timedelta(seconds=seconds)
        of = {"key_name": "scheduler", "job_name": "orders"}
        Attempt.objects.create(connection=connection, at=at, outcome="stored", status=201, **of)
    Attempt.objects.create(connection=connection, at=NOW + HOUR, outcome="rejected", status=400, reason="Not JSON.")
    shown = read(f"connections/{connection.pk}")
    refused, stored, *others = shown["attempts"]
    assert refused == {
        "at": in_utc(NOW + HOUR),
        "outcome": "rejected",
        "status": 400,
        "reason": "Not JSON.",
        "code": None,
        "key_name": None,
        "job_name": None,
    }
    assert (stored["at"], stored["outcome"], stored["status"]) == (in_utc(NOW + timedelta(seconds=19)), "stored", 201)
    assert (stored["reason"], stored["key_name"], stored["job_name"]) == (None, "scheduler", "orders")
    assert len(others) == 18
    assert (shown["reason"], shown["reason_at"]) == ("Last request refused: Not JSON.", refused["at"])


def in_utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_the_list_goes_by_name_and_shows_what_each_one_shows(read: Read) -> None:
    for name in ("charlie", "alpha", "bravo"):
        make_activity(make_connection(name), NOW)
    results = read("connections")["results"]
    assert [connection["name"] for connection in results] == ["alpha", "bravo", "charlie"]
    assert {**results[0], **NOTHING_MORE} == read(f"connections/{results[0]['id']}")


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


def test_filters_of_connections(read: Read) -> None:
    connected = make_connection("Shop production")
    make_activity(connected, NOW, "idle")
    make_connection("Shop models", "dbt")

    def names(**query: str) -> list[str]:
        return [one["name"] for one in read("connections", **query)["results"]]

    assert names(search="MODELS shop") == names(status="setup_incomplete") == names(type="dbt") == ["Shop models"]
    assert names(search="shop", status="connected") == ["Shop production"]
    assert read("connections", 400, status="x")["error"]["detail"] == {
        "status": ["Not one of connected, setup_incomplete."]
    }


def test_a_connection_that_is_fetched_from(read: Read) -> None:
    connection, now = make_connection(), timezone.now()
    source = PullSource.objects.create(
        connection=connection,
        system="airflow",
        config={"url": "https://airflow.example.com:8443/prod", "username": "canary"},
        secret="canary",
        created_at=now,
        next_at=now + HOUR,
    )
    shown = read(f"connections/{connection.pk}")
    assert (shown["reason"], shown["source"]["last_sync"]) == ("No runs fetched yet", None)
    ended = {"began_at": now - HOUR, "ended_at": now, "outcome": "failed", "code": "forbidden", "reason": "No right."}
    source.syncs.create(events=3, new_events=2, **ended)
    source.syncs.create(began_at=now)  # under way
    in_list, shown = read("connections")["results"][0], read(f"connections/{connection.pk}")
    assert shown["reason"] == in_list["reason"] == "Last sync failed: No right."
    assert shown["source"] == in_list["source"]
    assert shown["source"] == {
        "system": "airflow",
        "host": "airflow.example.com:8443",
        "interval_minutes": 5,
        "paused_at": None,
        "next_sync_at": in_utc(now + HOUR),
        "last_sync": {
            **ended,
            "began_at": in_utc(now - HOUR),
            "ended_at": in_utc(now),
            "events": 3,
            "new_events": 2,
        },
    }
