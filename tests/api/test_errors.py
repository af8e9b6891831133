from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from api import views
from connections.models import Connection
from tests.api.rows import make_connection

Read = Callable[..., Any]
JSON = "application/json"
UNKNOWN = "0c5d1ad4-6a5c-4e1a-9d0a-2f4d6f8f3a11"


@pytest.fixture
def connection(db: None) -> Connection:
    return make_connection()


@pytest.mark.parametrize(
    ("path", "parameter", "value"),
    [
        ("jobs", "state", "failed"),
        ("jobs", "state", "NONE"),
        ("jobs", "kind", "dag"),
        ("jobs", "search", "x" * 201),
        ("jobs", "search", "a\0b"),
        ("jobs", "namespace", "\0"),
        ("runs", "state", "\0"),
        ("runs", "kind", "1"),
        ("runs", "started_after", "yesterday"),
        ("runs", "started_after", "2026-02-30T00:00:00Z"),
        ("runs", "started_before", "2026-03-02T12:00:00 02:00"),
    ],
)
def test_a_wrong_filter_is_named(connection: Connection, read: Read, path: str, parameter: str, value: str) -> None:
    error = read(f"connections/{connection.pk}/{path}", 400, **{parameter: value})["error"]
    assert (error["code"], error["message"]) == ("invalid", f"Wrong query parameter: {parameter}.")
    [[message]] = error["detail"].values()
    assert message


def test_a_wrong_choice_is_told_the_right_ones(connection: Connection, read: Read) -> None:
    error = read(f"connections/{connection.pk}/runs", 400, state="DONE")["error"]
    assert error["detail"] == {
        "state": ["Not one of RUNNING, COMPLETED, FAILED, ABORTED, SKIPPED, UPSTREAM_FAILED, RETRIED, LOST, UNKNOWN."]
    }


# Some zones put a time into the year 0 or 10000.
TIMES = [
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-03-02T12:00:00-23:59",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
]


@pytest.mark.parametrize("time", TIMES)
def test_times_at_either_end_are_times(connection: Connection, read: Read, time: str) -> None:
    read(f"connections/{connection.pk}/runs", started_after=time, started_before=time)


def test_an_unknown_parameter_is_refused(connection: Connection, read: Read) -> None:
    """A filter that is mistyped and ignored would show too much."""
    error = read(f"connections/{connection.pk}/runs", 400, status="FAILED")["error"]
    known = (
        "cursor, kind, min_duration_ms, orchestrator_run_id, page_size, search, started_after, started_before, state"
    )
    assert error["detail"] == {"status": [f"Unknown here. Known: {known}."]}
    read(f"connections/{connection.pk}", 400, verbose="1")


@pytest.mark.parametrize("parameter", ["state", "namespace", "search", "started_after", "page_size", "cursor"])
def test_an_empty_parameter_is_refused(connection: Connection, read: Read, parameter: str) -> None:
    """A script sends it if a variable is not set. Ignoring it would show too much."""
    path = "runs" if parameter == "started_after" else "jobs"
    error = read(f"connections/{connection.pk}/{path}", 400, **{parameter: ""})["error"]
    assert error["detail"] == {parameter: ["Empty: give it a value, or leave it out."]}


def test_a_parameter_that_comes_twice_is_refused(connection: Connection, read: Read) -> None:
    error = read(f"connections/{connection.pk}/jobs", 400, state=["FAILED", "RUNNING"])["error"]
    assert error["detail"] == {"state": ["Given more than once."]}


def test_too_many_parameters_are_told_as_any_other_error_is(read: Read, db: None) -> None:
    error = read("datasets", 400, **{f"parameter_{number}": "1" for number in range(2_000)})["error"]
    assert (error["code"], error["detail"]) == ("invalid", None)


@pytest.mark.parametrize(
    "path", ["", "connections/", "runs/", "nothing", "connections/1", f"runs/{UNKNOWN}/", "schema/", "docs/"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_where_nothing_is_the_answer_is_404(api: Client, path: str, method: str) -> None:
    response = getattr(api, method)(f"/api/v1/{path}")
    assert response.status_code == 404
    assert response.json() == {"error": {"code": "not_found", "message": "Not found.", "detail": None}}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(connection: Connection, api: Client, method: str) -> None:
    for path in ("connections", f"connections/{connection.pk}", f"jobs/{UNKNOWN}", f"runs/{UNKNOWN}/events", "schema"):
        response = getattr(api, method)(f"/api/v1/{path}")
        assert response.status_code == 405, path
        assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", ")) <= {"GET", "HEAD", "OPTIONS"}
        assert response.json()["error"]["code"] == "method_not_allowed"


def test_a_session_writes_nothing_either(person: Any, connection: Connection) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    response = client.delete(f"/api/v1/connections/{connection.pk}")
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "permission_denied"


def test_head_and_options(connection: Connection, api: Client) -> None:
    for path in ("connections", f"connections/{connection.pk}", f"connections/{connection.pk}/runs", "datasets"):
        head, get = api.head(f"/api/v1/{path}"), api.get(f"/api/v1/{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Type"] == get.headers["Content-Type"] == JSON
        options = api.options(f"/api/v1/{path}")
        assert (options.status_code, options.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")


def test_a_format_that_is_not_served(connection: Connection, api: Client) -> None:
    response = api.get("/api/v1/connections", headers={"Accept": "text/csv"})
    assert (response.status_code, response.headers["Content-Type"]) == (406, JSON)
    assert response.json()["error"]["code"] == "not_acceptable"


@pytest.mark.parametrize("exception", [OperationalError, InterfaceError])
def test_without_a_database_the_answer_is_try_again(
    api: Client, monkeypatch: pytest.MonkeyPatch, exception: type[Exception]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise exception("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr(views, "connection_summaries", fail)
    response = api.get("/api/v1/connections")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.json()["error"]["code"] == "unavailable"
    assert b"10.0.0.7" not in response.content


def test_a_defect_is_told_in_the_same_shape(
    connection: Connection, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(views, "connection_summaries", fail)
    api.raise_request_exception = False
    response = api.get("/api/v1/connections")
    assert (response.status_code, response.headers["Content-Type"]) == (500, JSON)
    assert response.json() == {
        "error": {"code": "internal_error", "message": "The server failed to process the request.", "detail": None}
    }
