import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api import events as api_events
from lineage.models import Event, Run
from tests.api.rows import HOUR, NOW, make_connection, make_event, make_job, make_run

Read = Callable[..., Any]

ODD_BODIES = {
    "NUL": r'{"a":"\u0000"}',
    "lone surrogate": r'{"a":"\ud800"}',
    "number of 400 digits": '{"a":1' + "0" * 400 + "}",
    "decimals": '{"a":1.10,"b":-0,"c":1E400}',
    "repeated name": '{"a":1,"a":2}',
    "white space": '{ "a" :\n\t1 }\r\n',
    "beyond the basic plane": '{"é":"😀\u2028"}',
    "escaped slash": r'{"a":"<\/script>"}',
    "nested": '{"a":' + "[" * 900 + "]" * 900 + "}",
}


@pytest.fixture
def run(db: None) -> Run:
    return make_run(make_job(make_connection()))


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES)
def test_a_body_is_answered_character_for_character(run: Run, api: Client, body: str) -> None:
    make_event(run, body)
    response = api.get(f"/api/v1/runs/{run.id}/events")
    assert response.headers["Content-Type"] == "application/json"
    assert f'"event":{body}}}]'.encode() in response.content
    assert json.loads(response.content)["results"][0]["event"] == json.loads(body)


def test_events_go_by_event_time_with_what_is_known_of_them(run: Run, read: Read) -> None:
    make_event(run, '{"n": 3}', event_time=NOW + HOUR, event_type="COMPLETE")
    make_event(run, '{"n": 1}')
    make_event(run, '{"n": 2}', event_time=NOW + timedelta(microseconds=1), event_type=None)
    page = read(f"runs/{run.id}/events")
    assert [event["event"]["n"] for event in page["results"]] == [1, 2, 3]
    assert page["results"][1] == {
        "event_time": "2026-03-02T12:00:00.000001Z",
        "received_at": "2026-03-02T12:00:00Z",
        "event_type": None,
        "event": {"n": 2},
    }
    assert (page["connection_id"], page["other_connections"]) == (str(run.connection_id), [])


def test_others_events_are_not_among_them(run: Run, read: Read) -> None:
    make_event(run, '{"mine": true}')
    make_event(run, kind=Event.Kind.JOB)
    make_event(make_run(run.job))
    same_id = make_run(make_job(make_connection("another")), id=run.id, last_event_at=NOW - HOUR)
    make_event(same_id)
    page = read(f"runs/{run.id}/events", connection_id=str(run.connection_id))
    assert [event["event"] for event in page["results"]] == [{"mine": True}]


def test_pages_stay_with_the_connection_they_began_with(run: Run, read: Read, api: Client) -> None:
    """Another connection's run with this id that becomes the last active one must not continue the list."""
    for n in range(3):
        make_event(run, json.dumps({"n": n}), event_time=NOW + timedelta(minutes=n))
    page = read(f"runs/{run.id}/events", page_size=2)
    late = make_run(make_job(make_connection("another")), id=run.id, last_event_at=NOW + 10 * HOUR)
    make_event(late, '{"n": "another"}', event_time=NOW + timedelta(minutes=2))
    rest = api.get(page["next"]).json()
    assert [event["event"]["n"] for event in rest["results"]] == [2]
    assert (rest["connection_id"], rest["other_connections"]) == (str(run.connection_id), [str(late.connection_id)])
    assert read(f"runs/{run.id}/events")["connection_id"] == str(late.connection_id)


def test_large_bodies_make_shorter_pages(run: Run, api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_events, "MAX_BYTES_OF_BODIES", 110)
    for n, padding in enumerate([10, 10, 200, 60, 60, 10]):
        make_event(
            run,
            json.dumps({"n": n, "p": "é" * (padding // 2)}, ensure_ascii=False),
            event_time=NOW + timedelta(minutes=n),
        )

    def walk(page: dict[str, Any], link: str) -> list[list[int]]:
        pages = [[event["event"]["n"] for event in page["results"]]]
        return pages + (walk(api.get(page[link]).json(), link) if page[link] else [])

    first = api.get(f"/api/v1/runs/{run.id}/events").json()
    assert walk(first, "next") == [[0, 1], [2], [3], [4, 5]]
    last = first
    while last["next"]:
        last = api.get(last["next"]).json()
    assert [n for page in reversed(walk(last, "previous")) for n in page] == list(range(6))


def test_only_partitions_that_the_run_spans_are_read(read: Read) -> None:
    now = timezone.now()
    run = make_run(make_job(make_connection()), started_at=now, ended_at=now + timedelta(seconds=1))
    make_event(run)
    with CaptureQueriesContext(database) as queries:
        read(f"runs/{run.id}/events")
    statements = [query["sql"] for query in queries if 'FROM "lineage_event"' in query["sql"]]
    assert len(statements) == 2
    for sql in statements:
        with database.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        partitions = {word for word in plan.split() if word.startswith("lineage_event_2")}
        assert len({name[:24] for name in partitions}) == 1, plan
        assert "lineage_event_default" not in plan


def test_a_run_without_stored_events_has_an_empty_page(run: Run, read: Read) -> None:
    """Retention drops events before their runs."""
    page = read(f"runs/{run.id}/events")
    assert (page["results"], page["next"], page["previous"]) == ([], None, None)
    assert page["dropped_events"] == run.event_count == 2


def test_it_is_told_how_many_events_were_dropped(run: Run, read: Read) -> None:
    make_event(run)
    assert read(f"runs/{run.id}/events")["dropped_events"] == 1
    make_event(run, event_time=run.last_event_at)
    assert read(f"runs/{run.id}/events?page_size=1")["dropped_events"] == 0


def test_a_removed_connections_events_are_gone(read: Read) -> None:
    run = make_run(make_job(make_connection(removed_at=NOW)))
    make_event(run)
    read(f"runs/{run.id}/events", 404)
    read(f"runs/{uuid4()}/events", 404)
