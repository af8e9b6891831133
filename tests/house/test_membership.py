"""Access table of a connection that only members see: it is not there for others, who learn nothing of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client

from connections.models import Connection, ConnectionAccess
from lineage.models import Dataset, Event, Run
from tests.house.routes import World, ask, routes
from tests.house.test_access import EXPECTED, in_words
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, make_sender

pytestmark = pytest.mark.django_db

COLUMNS = ("non-member", "viewing", "editing", "administering")
# Responses by GET and by POST to an editor who is no member, and to viewers who are members of each level.
CHANGES = """
route                                                      | GET             | POST
connections/<uuid:connection_id>/rename                    | 404 403 200 200 | 404 403 422 422
connections/<uuid:connection_id>/routes/add                | 404 403 200 200 | 404 403 422 422
connections/<uuid:connection_id>/keys/generate             | 404 403 200 200 | 404 403 422 422
connections/<uuid:connection_id>/keys/<uuid:key_id>/delete | 404 403 200 200 | 404 403 on  on
connections/<uuid:connection_id>/fetching                  | 404 403 200 200 | 404 403 422 422
connections/<uuid:connection_id>/fetching/test             | 404 403 on  on  | 404 403 422 422
connections/<uuid:connection_id>/fetching/check            | 404 403 200 200 | 405 405 405 405
connections/<uuid:connection_id>/fetching/remove           | 404 403 200 200 | 404 403 on  on
connections/<uuid:connection_id>/fetching/sync             | 404 403 on  on  | 404 403 on  on
connections/<uuid:connection_id>/fetching/pause            | 404 403 on  on  | 404 403 on  on
connections/<uuid:connection_id>/fetching/resume           | 404 403 on  on  | 404 403 on  on
connections/<uuid:connection_id>/remove                    | 404 403 403 200 | 404 403 403 422
connections/<uuid:connection_id>/privacy                   | 404 403 403 200 | 404 403 403 422
connections/<uuid:connection_id>/access/visibility         | 404 403 403 200 | 404 403 403 422
connections/<uuid:connection_id>/access/add                | 404 403 403 200 | 404 403 403 422
"""
# Ids in routes of what belongs to a connection.
OF_CONNECTIONS = re.compile("connection_id|job_id|run_id|dataset_id|event_id|key_id")


@pytest.fixture
def clients(request: pytest.FixtureRequest, editor: User) -> dict[str, Client]:
    """Return a client for each column; the person who edits is a member by a group."""
    request.getfixturevalue("world" if "world" in request.fixturenames else "hidden")
    connection = Connection.objects.get(visibility="members")
    made = {"non-member": Client()}
    made["non-member"].force_login(editor)
    for name, level in (("viewing", "view"), ("editing", "edit"), ("administering", "admin")):
        user = User.objects.create(username=name)
        member: dict[str, Any] = {"user": user}
        if level == "edit":
            group = Group.objects.create(name="editing")
            user.groups.add(group)
            member = {"group": group}
        ConnectionAccess.objects.create(connection=connection, level=level, **member)
        made[name] = Client()
        made[name].force_login(user)
    return made


@pytest.fixture
def world(db: None) -> World:
    made = World()
    Connection.objects.update(visibility="members")
    return made


def test_each_column_gets_its_answer(world: World, clients: dict[str, Client]) -> None:
    lines = [line.split("|") for line in CHANGES.strip().splitlines()[1:]]
    expected = {route.strip(): {"GET": get.split(), "POST": post.split()} for route, get, post in lines}
    wrong = []
    for route in (route for route in routes() if OF_CONNECTIONS.search(route) and "admin/" not in route):
        by_all = EXPECTED[route]
        if by_all["GET", "viewer"] == "200":
            expected[route] = {"GET": ["404", "200", "200", "200"]}
        for method, answers in expected.get(route, {}).items():
            found = [in_words(ask(clients[one], method, world.path(route))) for one in COLUMNS]
            if found != answers:
                wrong.append(f"{method} {route}: {found}, expected {answers}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def hidden(db: None) -> Connection:
    """Return a members-only connection, of which others may know a dataset that a visible connection writes, too."""
    visible, sender = make_sender(), make_sender()
    visible.send(run_event("COMPLETE", at(1), job="known", outputs=[dataset("shared")]))
    own = "00000000-0000-0000-0000-0000000000ca"
    tables: Any = {"inputs": [dataset("canary_table")], "outputs": [dataset("shared")]}
    sender.send(run_event("FAIL", at(2), run=own, job="canary_job", **tables))
    Connection.objects.filter(pk=sender.connection.pk).update(name="canary connection", visibility="members")
    return Connection.objects.get(pk=sender.connection.pk)


def paths(hidden: Connection) -> Iterator[str]:
    """Yield pages and API routes that show something of the connection to a member."""
    shared = Dataset.objects.filter(name="shared").values_list("id", flat=True)[0]
    lists = ("jobs", "runs", "datasets", "search?q=canary", f"lineage?node=dataset:{shared}", f"datasets/{shared}")
    for path in ("connections", *lists):
        yield from (path, f"api/v1/{path}")
    run = Run.objects.get(connection=hidden)
    yield from ("", f"runs?connection={hidden.pk}", "jobs?q=canary", f"search?q={run.run_id}")
    yield from (f"api/v1/runs?connection_id={hidden.pk}", f"api/v1/datasets/{shared}/runs")


def test_others_learn_nothing(hidden: Connection, clients: dict[str, Client]) -> None:
    rows = (hidden, Run.objects.get(connection=hidden), Event.objects.get(connection=hidden))
    marks = ("canary_", "canary con", *(str(row.pk if row is hidden else row.id) for row in rows))
    with time_machine.travel(NOW):
        for path in paths(hidden):
            member, other = (clients[one].get(f"/{path}").content.decode() for one in ("viewing", "non-member"))
            # What they asked for stands on the page.
            told = [mark for mark in marks if mark in other and mark not in path]
            assert told == [], path
            assert any(mark in member for mark in marks), path
        found = clients["non-member"].get("/api/v1/jobs").json()["results"]
    assert [job["name"] for job in found] == ["known"]
