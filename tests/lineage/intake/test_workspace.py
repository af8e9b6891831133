"""Events that come with a workspace key: each is stored for the connection that its job's namespace names, or for none.

tests/connections/test_routing.py has the rules; tests/senders/test_openlineage_python.py sends to a running server.
"""

import html
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from connections import actions
from connections.models import Attempt, Connection, UnmatchedNamespace, WorkspaceKey
from connections.routing import Unrouted
from connections.verification import VerifiedWorkspaceKey
from connections.workspace_keys import create_workspace_key, delete_workspace_key
from lineage.events import InvalidEvent, decode_event
from lineage.intake.commit import Committed
from lineage.intake.workspace import Unroutable, sort_out
from lineage.models import Event
from lineage.overview.setup import read_setup
from lineage.overview.summaries import connection_summary
from tests.lineage.build import T0, at, run_event
from web.guides import cure_of

pytestmark = pytest.mark.django_db

Post = Callable[..., Any]
PATHS = [
    "/api/v1/lineage",
    "/gateway/openlineage/lineage",
    "/events/openlineage/generic-openlineage/api/v1/lineage",
]
DATASET_EVENT = {"eventTime": T0, "dataset": {"namespace": "warehouse", "name": "orders"}}


@pytest.fixture
def connections() -> dict[str, Connection]:
    now = timezone.now()
    return {
        name: actions.create_connection(name=name, type="openlineage", created_by=None, now=now)
        for name in ("eu", "us")
    }


@pytest.fixture
def post() -> Post:
    """Post to a workspace path, with a new key for each test."""
    keys: dict[str, str] = {}

    def post_(body: bytes, path: str = PATHS[0], key: str = "", **options: Any) -> Any:
        if not key and "text" not in keys:
            new = create_workspace_key(name="all", created_by=None, now=timezone.now(), **options)
            keys["text"] = new.text
        headers = {"Authorization": f"Bearer {key or keys['text']}"}
        return Client().post(path, body, content_type="application/json", headers=headers)

    return post_


def stored() -> list[str]:
    """The names of the connections of all stored events."""
    names = dict(Connection.objects.values_list("pk", "name"))
    return sorted(names[connection_id] for connection_id in Event.objects.values_list("connection_id", flat=True))


def of(namespace: str, **fields: Any) -> bytes:
    return run_event(run=str(uuid4()), namespace=namespace, **fields)


def batch(*events: bytes) -> bytes:
    return b"[" + b",".join(events) + b"]"


@pytest.mark.parametrize("path", PATHS)
def test_the_namespace_names_the_connection(post: Post, connections: dict[str, Connection], path: str) -> None:
    event = of("eu")
    assert post(event, path).status_code == 201
    assert (post(event, path).status_code, post(of("us"), f"{path}/").status_code) == (200, 201)
    assert stored() == ["eu", "us"]
    attempt = Attempt.objects.filter(connection=connections["us"]).get()
    assert (attempt.outcome, attempt.key_name, attempt.job_name) == ("stored", "all", "job")
    assert WorkspaceKey.objects.get().last_used_at is not None


def test_a_key_of_a_connection_sends_there_whatever_the_namespace(
    post: Post, connections: dict[str, Connection]
) -> None:
    made = actions.create_api_key(connection=connections["us"], name="k", created_by=None, now=timezone.now())
    assert [post(of("eu"), path, key=made.text).status_code for path in PATHS] == [201] * 3
    assert stored() == ["us"] * 3


def test_a_namespace_without_a_connection_is_refused_and_noted(post: Post, connections: dict[str, Connection]) -> None:
    response = post(of("EU", job_facets={"jobType": {"integration": "DBT"}}))
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "unmatched_namespace"
    assert "'EU'" in error["message"]
    assert not Event.objects.exists()
    noted = UnmatchedNamespace.objects.get()
    assert (noted.namespace, noted.reason, noted.type, noted.job_name) == ("EU", "no_route", "dbt", "job")


def test_out_of_scope_reads_as_if_there_were_no_such_connection(post: Post, connections: dict[str, Connection]) -> None:
    beside = post(of("us"), chosen=[connections["eu"]])
    unknown = post(of("xx"))
    assert beside.status_code == unknown.status_code == 422
    assert beside.content.replace(b"'us'", b"'xx'") == unknown.content
    assert post(of("eu")).status_code == 201
    assert dict(UnmatchedNamespace.objects.values_list("namespace", "reason")) == {
        "us": "out_of_scope",
        "xx": "no_route",
    }


def test_events_without_a_job_go_to_the_default_connection(post: Post, connections: dict[str, Connection]) -> None:
    body = json.dumps(DATASET_EVENT).encode()
    refused = post(body)
    assert refused.status_code == 422
    assert "no job" in refused.json()["error"]["message"]
    WorkspaceKey.objects.update(default_connection=connections["us"])
    assert post(body).status_code == 201
    assert stored() == ["us"]


def test_a_key_may_make_connections_but_none_that_was_removed(post: Post, connections: dict[str, Connection]) -> None:
    actions.end_connection(connection=connections["us"], now=timezone.now())
    answers = [post(of(name), unmatched="create").status_code for name in ("us", "new", "new", "NEW")]
    assert answers == [422, 201, 201, 422]
    assert stored() == ["new", "new"]
    assert set(Connection.objects.live().values_list("name", flat=True)) == {"eu", "new"}


def test_a_request_makes_as_many_connections_as_it_may(post: Post) -> None:
    answer = post(batch(*(of(f"n{number}") for number in range(23))), f"{PATHS[0]}/batch", unmatched="create").json()
    assert (answer["summary"]["successful"], answer["summary"]["failed"]) == (20, 3)
    assert Connection.objects.count() == Event.objects.count() == 20


@pytest.mark.parametrize("path", PATHS)
def test_each_event_of_a_batch_has_its_verdict(post: Post, connections: dict[str, Connection], path: str) -> None:
    response = post(batch(of("us"), b"{}", of("none"), of("eu"), of("us")), f"{path}/batch")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["status"], answer["summary"]["successful"]) == ("partial_success", 3)
    assert [failed["index"] for failed in answer["failed_events"]] == [1, 2]
    assert "'none'" in answer["failed_events"][1]["reason"]
    assert stored() == ["eu", "us", "us"]
    nothing = post(batch(of("none")), f"{path}/batch").json()
    assert nothing["summary"] == {"received": 1, "successful": 0, "failed": 1, "retriable": 0, "non_retriable": 1}


def test_a_key_that_ended_is_refused(post: Post, connections: dict[str, Connection]) -> None:
    assert post(of("eu")).status_code == 201  # the process remembers it
    now = timezone.now()
    WorkspaceKey.objects.update(expires_at=now - timedelta(seconds=1))
    assert post(of("eu")).status_code == 401
    WorkspaceKey.objects.update(expires_at=now + timedelta(hours=1))
    assert post(of("eu")).status_code == 201
    delete_workspace_key(workspace_key=WorkspaceKey.objects.get())
    assert [post(of("eu")).status_code, post(b"{}").status_code] == [401, 401]
    assert stored() == ["eu", "eu"]


def test_the_newest_refusal_is_kept_with_the_key(
    post: Post, connections: dict[str, Connection], client: Client, administrator: User
) -> None:
    assert post(b'{"eventTime": 7}').status_code == 422
    key = WorkspaceKey.objects.get()
    assert (key.refused_status, key.refused_code, key.last_used_at) == (422, "invalid_event", None)
    client.force_login(administrator)
    page = client.get("/workspace-keys").content.decode()
    assert str(escape(key.refused_reason)) in page
    assert cure_of("invalid_event") in html.unescape(page)
    assert not Attempt.objects.exists()


def test_a_path_that_names_a_connection_takes_no_workspace_key(post: Post, connections: dict[str, Connection]) -> None:
    answers = {
        (response := post(of("eu"), f"/gateway/openlineage/{id_}")).status_code: response.json()["error"]["message"]
        for id_ in (connections["eu"].pk, uuid4(), "eu")
    }
    assert list(answers) == [403]
    assert "/api/v1/lineage" in answers[403]
    assert not Event.objects.exists()


def test_a_key_that_changes_before_the_commit_is_tried_again(
    post: Post, connections: dict[str, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another voucher takes the place of one that ended between the look-up of the route and the commit."""

    def voucher_for(key: VerifiedWorkspaceKey, connection_id: UUID) -> Any:
        return replace(original(key, connection_id), id=uuid4())

    original = VerifiedWorkspaceKey.voucher_for
    monkeypatch.setattr(VerifiedWorkspaceKey, "voucher_for", voucher_for)
    response = post(of("eu"))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "route_changed")
    assert not Event.objects.exists()


def test_events_are_grouped_in_order_and_results_come_back_to_their_positions() -> None:
    a, b = uuid4(), uuid4()
    key = VerifiedWorkspaceKey(uuid4(), "all", b"")
    events = [decode_event(of(namespace)) for namespace in ("a", "b", "a", "none", "b")]
    routed = sort_out([*events, InvalidEvent("no")], {"a": a, "b": b, "none": Unrouted.NO_ROUTE}, key)
    assert [(submission.connection_id, list(submission.events)) for submission in routed.submissions] == [
        (a, [events[0], events[2]]),
        (b, [events[1], events[4]]),
    ]
    assert [type(event) for event in routed.events[3:]] == [Unroutable, type(events[0]), InvalidEvent]
    merged = routed.merge([Committed(True, 1, frozenset({1})), Committed(True, 1, frozenset({0, 1}))])
    assert (merged.stored, merged.unstorable) == (2, frozenset({1, 2, 3}))


def test_a_connection_of_a_workspace_key_lacks_no_key(post: Post, connections: dict[str, Connection]) -> None:
    def reason() -> str:
        return connection_summary(connections["eu"], now=timezone.now()).reason

    assert reason() == "No API key yet"
    assert not read_setup(connections["us"], now=timezone.now()).takes_workspace_keys
    assert post(of("eu"), chosen=[connections["eu"]]).status_code == 201
    assert reason() == ""
    delete_workspace_key(workspace_key=WorkspaceKey.objects.get())
    assert reason() == "No API key: events are refused"
    create_workspace_key(name="all", created_by=None, now=timezone.now())
    assert reason() == ""
    assert read_setup(connections["us"], now=timezone.now()).takes_workspace_keys


def test_events_of_a_removed_connection_are_refused_at_once_not_until_its_rows_are_gone(
    post: Post, connections: dict[str, Connection]
) -> None:
    """503 would make their sender come again and again."""
    assert post(json.dumps(DATASET_EVENT).encode(), default_connection=connections["eu"]).status_code == 201
    actions.end_connection(connection=connections["eu"], now=timezone.now())
    assert post(json.dumps(DATASET_EVENT | {"eventTime": at(1)}).encode()).status_code == 422
    # As a process does that knows no routes.
    Connection.objects.filter(pk=connections["us"].pk).update(removed_at=timezone.now())
    assert post(of("us")).status_code == 422
