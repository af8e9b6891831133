"""Requests: the answer, the stored rows, and the attempt that the connection's page lists."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from connections import actions
from connections.models import ApiKey, Attempt, Connection
from lineage.models import Event, Job, Run
from tests.lineage.build import at, run_event


@dataclass
class Endpoint:
    """A connection as its sender sees it."""

    connection: Connection
    key: str

    def post(self, body: bytes, *, end: str = "", key: str | None = None, **headers: str) -> Any:
        return Client().post(
            f"/gateway/openlineage/{self.connection.id}{end}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.key if key is None else key}", **headers},
        )

    def last_attempt(self) -> Attempt:
        return Attempt.objects.filter(connection=self.connection).newest(1).get()


@pytest.fixture
def new_endpoint(db: None) -> Callable[[], Endpoint]:
    def make() -> Endpoint:
        now = timezone.now()
        connection = actions.create_connection(name=uuid4().hex, type="openlineage", created_by=None, now=now)
        key = actions.create_api_key(connection=connection, name="laptop", created_by=None, now=now)
        return Endpoint(connection, key.text)

    return make


@pytest.fixture
def endpoint(new_endpoint: Callable[[], Endpoint]) -> Endpoint:
    return new_endpoint()


def error_code(response: HttpResponse) -> str:
    return str(json.loads(response.content)["error"]["code"])


def test_a_new_event_is_stored_with_its_projection_before_the_answer(endpoint: Endpoint) -> None:
    response = endpoint.post(run_event("START", timezone.now().isoformat(), job="etl"))
    assert (response.status_code, json.loads(response.content)) == (201, {"outcome": "stored"})
    assert Event.objects.get().connection == endpoint.connection
    assert Job.objects.get().running_runs == 1
    attempt = endpoint.last_attempt()
    assert (attempt.outcome, attempt.status, attempt.key_name, attempt.job_name) == ("stored", 201, "laptop", "etl")
    assert ApiKey.objects.get().last_used_at is not None


def test_a_repeat_is_acknowledged_and_changes_nothing(endpoint: Endpoint) -> None:
    endpoint.post(run_event())
    response = endpoint.post(run_event())
    assert (response.status_code, json.loads(response.content)) == (200, {"outcome": "repeat"})
    assert Event.objects.count() == 1


def test_every_sample_is_accepted(endpoint: Endpoint, sample_lines: Callable[..., list[bytes]]) -> None:
    lines = sample_lines()
    answer = json.loads(endpoint.post(b"[%s]" % b",".join(lines), end="/batch").content)
    assert answer["failed_events"] == []
    assert answer["summary"]["successful"] == Event.objects.count() == len(lines)


def test_refused_keys_are_all_answered_alike(endpoint: Endpoint, new_endpoint: Callable[[], Endpoint]) -> None:
    deleted = new_endpoint()
    actions.delete_api_key(api_key=ApiKey.objects.get(connection=deleted.connection))
    wrong = new_endpoint().key
    ApiKey.objects.filter(lookup=wrong.split("_")[1]).delete()
    answers = {
        (response.status_code, response.content, response["WWW-Authenticate"])
        for response in (
            Client().post(f"/gateway/openlineage/{endpoint.connection.id}", run_event(), content_type="text/plain"),
            endpoint.post(run_event(), key=""),
            endpoint.post(run_event(), key="obs_short"),
            endpoint.post(run_event(), key=deleted.key),
            endpoint.post(run_event(), key=wrong),
            endpoint.post(b"not json", key=wrong),
        )
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401
    assert Event.objects.count() == 0


def test_a_key_that_was_in_use_is_refused_once_deleted(endpoint: Endpoint) -> None:
    assert endpoint.post(run_event()).status_code == 201
    actions.delete_api_key(api_key=ApiKey.objects.get())
    assert endpoint.post(run_event("COMPLETE", at(1))).status_code == 401
    assert endpoint.post(b"not json").status_code == 401
    assert Event.objects.count() == 1
    assert "deleted" in endpoint.last_attempt().reason


def test_the_key_of_a_removed_connection_is_refused(endpoint: Endpoint) -> None:
    assert endpoint.post(run_event()).status_code == 201
    actions.end_connection(connection=endpoint.connection, now=timezone.now())
    assert endpoint.post(run_event("COMPLETE", at(1))).status_code == 401


def test_the_key_of_another_connection_never_writes(endpoint: Endpoint, new_endpoint: Callable[[], Endpoint]) -> None:
    other = new_endpoint()
    response = endpoint.post(run_event(), key=other.key)
    assert (response.status_code, error_code(response)) == (403, "key_of_another_connection")
    assert Event.objects.count() == 0
    assert endpoint.last_attempt().status == 403
    assert not Attempt.objects.filter(connection=other.connection).exists()


@pytest.mark.parametrize("unknown", [str(UUID(int=1)), "my-airflow"])
def test_only_holders_of_a_key_learn_of_an_unknown_connection(endpoint: Endpoint, unknown: str) -> None:
    path = f"/gateway/openlineage/{unknown}"
    bearer = {"Authorization": f"Bearer {endpoint.key}"}
    assert Client().post(path, run_event(), content_type="text/plain").status_code == 401
    assert Client().post(path, run_event(), content_type="text/plain", headers=bearer).status_code == 404


@pytest.mark.parametrize("path", ["/gateway/openlineage/api/v1/lineage", "/api/v1/lineage", "/api/v1/lineage/"])
def test_the_key_alone_names_the_connection(endpoint: Endpoint, path: str) -> None:
    bearer = {"Authorization": f"Bearer {endpoint.key}"}
    assert Client().post(path, run_event(), content_type="text/plain", headers=bearer).status_code == 201
    assert Event.objects.get().connection == endpoint.connection


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_other_methods_are_not_allowed_and_not_redirected(endpoint: Endpoint, method: str) -> None:
    response = getattr(Client(), method)(f"/gateway/openlineage/{endpoint.connection.id}")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert endpoint.last_attempt().status == 405


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"not json", {}, 400, "not_json"),
        (b"", {}, 400, "not_json"),
        (b"{}", {}, 422, "invalid_event"),
        (b"[]", {}, 422, "invalid_event"),
        (run_event(), {"Content-Encoding": "gzip"}, 400, "broken_gzip"),
        (run_event(), {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
        (b" " * (16 * 1024 * 1024 + 1), {}, 413, "body_too_large"),
    ],
)
def test_bad_requests(endpoint: Endpoint, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    response = endpoint.post(body, **headers)
    assert (response.status_code, error_code(response)) == (status, code)
    assert "Retry-After" not in response
    assert Event.objects.count() == 0
    attempt = endpoint.last_attempt()
    assert (attempt.outcome, attempt.status, attempt.key_name) == ("rejected", status, "laptop")
    assert attempt.reason
    assert endpoint.post(run_event()).status_code == 201


def test_the_answer_names_the_bad_field(endpoint: Endpoint) -> None:
    response = endpoint.post(run_event(time="yesterday"))
    assert "$.eventTime" in json.loads(response.content)["error"]["message"]
    assert "$.eventTime" in endpoint.last_attempt().reason


class TestBatch:
    def test_all_good(self, endpoint: Endpoint) -> None:
        response = endpoint.post(b"[%b, %b]" % (run_event(), run_event("COMPLETE", at(1))), end="/batch")
        content = json.loads(response.content)
        assert (response.status_code, content["status"], content["failed_events"]) == (200, "success", [])
        assert Run.objects.get().state == "COMPLETED"

    def test_a_bad_event_does_not_sink_its_siblings(self, endpoint: Endpoint) -> None:
        response = endpoint.post(b"[%b, {}, %b]" % (run_event(), run_event("COMPLETE", at(1))), end="/lineage/batch")
        content = json.loads(response.content)
        assert content["status"] == "partial_success"
        assert content["summary"] == {
            "received": 3,
            "successful": 2,
            "failed": 1,
            "retriable": 0,
            "non_retriable": 1,
        }
        assert [(e["index"], e["retriable"]) for e in content["failed_events"]] == [(1, False)]
        assert Event.objects.count() == 2
        assert endpoint.last_attempt().outcome == "rejected"

    def test_an_empty_one(self, endpoint: Endpoint) -> None:
        assert json.loads(endpoint.post(b"[]", end="/batch").content)["summary"]["received"] == 0

    def test_what_is_no_array(self, endpoint: Endpoint) -> None:
        assert endpoint.post(run_event(), end="/batch").status_code == 422

    def test_what_the_database_can_never_hold_is_isolated(self, endpoint: Endpoint) -> None:
        """The database itself refuses one of the jobs, as it would any value that decoding let through."""
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE lineage_job ADD CONSTRAINT no_poison CHECK (name <> 'poison')")
        bodies = [run_event(job="poison" if i == 3 else f"job-{i}", run=f"run-{i}") for i in range(7)]
        response = endpoint.post(b"[" + b",".join(bodies) + b"]", end="/batch")
        content = json.loads(response.content)
        assert [event["index"] for event in content["failed_events"]] == [3]
        assert Event.objects.count() == Run.objects.count() == 6
        assert endpoint.post(bodies[3]).status_code == 422
