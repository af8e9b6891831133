"""Parts of events are shown to whom a connection's privacy settings name, through every door; administrators choose."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connections.actions import set_privacy
from connections.privacy import Audience, PrivacyClass
from lineage.models import Event, Run
from people.tokens import create_api_token
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender, make_sender
from tests.web.test_account import DIALOG
from tests.web.test_run import RUN, SCHEMA, get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_built_events")]

BEFORE = "00000000-0000-0000-0000-000000000009"
MESSAGE = "Division by zero."
RUN_FACETS = {
    "errorMessage": {
        **SCHEMA,
        "message": MESSAGE,
        "programmingLanguage": "python",
        "stackTrace": "canary-stack_traces",
    },
    "environmentVariables": {**SCHEMA, "environmentVariables": [{"name": "A", "value": "canary-environment"}]},
}
JOB_FACETS = {
    "sourceCode": {**SCHEMA, "language": "python", "sourceCode": "canary-code"},
    "sql": {**SCHEMA, "query": "select canary-sql"},
}


@pytest.fixture
def sender() -> Sender:
    sender = make_sender()
    sender.send(run_event("COMPLETE", run=BEFORE, hours=-1))
    sender.send(run_event("FAIL", run_facets=RUN_FACETS, job_facets=JOB_FACETS))
    return sender


def doors(sender: Sender, person: User) -> Iterator[str]:
    """Yield what a person gets to read of the run, everywhere."""
    client = Client()
    client.force_login(person)
    run = Run.objects.get(run_id=RUN)
    of_run = f"/connections/{sender.connection.pk}/runs/{RUN}"
    [event] = Event.objects.filter(subject_id=run.id)
    pages = [
        of_run,
        f"{of_run}?compare=previous",
        f"{of_run}?read=all",
        f"/connections/{sender.connection.pk}/runs/{BEFORE}",
        f"{of_run}/events/{event.id}",
        f"{of_run}/events/{event.id}?as=received",
        f"{of_run}/events/{event.id}.json",
        f"/connections/{sender.connection.pk}/jobs/{run.job_id}",
        f"/connections/{sender.connection.pk}",
        "/",
        "/search?q=canary",
        f"/lineage?node=run:{RUN}",
    ]
    if person.is_staff:
        pages.append(f"/admin/lineage/event/{event.connection_id}:{event.id}:{event.event_time.isoformat()}/change/")
    token = create_api_token(user=person, name="t", reads_hidden=True, now=timezone.now()).text
    api = [f"/api/v1/runs/{RUN}", f"/api/v1/runs/{RUN}/events", f"/api/v1/jobs/{run.job_id}", "/api/v1/search?q=canary"]
    for client_, paths in ((client, pages), (Client(headers={"Authorization": f"Bearer {token}"}), api)):
        for path in paths:
            response = client_.get(path)
            assert response.status_code == 200, path
            yield response.content.decode()


@pytest.mark.parametrize("audience", Audience)
def test_each_door_shows_each_class_to_its_audience_alone(
    sender: Sender, audience: Audience, viewer: User, editor: User, administrator: User
) -> None:
    set_privacy(connection=sender.connection, audiences=dict.fromkeys(PrivacyClass, audience))
    order = (Audience.EVERYONE, Audience.EDITORS, Audience.ADMINISTRATORS, Audience.NOBODY)
    for role, person in enumerate((viewer, editor, administrator)):
        seen = list(doors(sender, person))
        for kind in PrivacyClass:
            shows = [text for text in seen if f"canary-{kind}" in text]
            # The page, twice, and the event on two pages, as a file and twice in the API.
            assert len(shows) >= 6 if role >= order.index(audience) else not shows, (audience, person, kind)
        assert MESSAGE in seen[0]


def test_the_page_of_a_run_names_what_it_hides(sender: Sender, as_viewer: Client) -> None:
    said = get(as_viewer, sender).content.decode()
    assert "Not shown to you" in said
    assert "job.facets.sourceCode" in said
    set_privacy(connection=sender.connection, audiences=dict.fromkeys(PrivacyClass, Audience.EVERYONE))
    assert "Not shown to you" not in get(as_viewer, sender).content.decode()


def test_an_administrator_chooses(sender: Sender, as_administrator: Client, as_editor: Client) -> None:
    path = f"/connections/{sender.connection.pk}/privacy"
    chosen: dict[str, Any] = {kind.value: "everyone" for kind in PrivacyClass} | {"code": "nobody"}
    assert as_editor.post(path, chosen).status_code == 403
    assert as_administrator.post(path, chosen | {"sql": "me"}, headers=DIALOG).status_code == 422
    assert 'value="editors" selected' in as_administrator.get(path, headers=DIALOG).content.decode()
    assert as_administrator.post(path, chosen).status_code == 302
    sender.connection.refresh_from_db()
    assert sender.connection.audiences[PrivacyClass.CODE] == Audience.NOBODY
    settings = as_editor.get(f"/connections/{sender.connection.pk}/settings").content.decode()
    assert "Nobody: remove it before storing" in settings
    assert path not in settings


def test_a_token_without_the_scope_reads_what_everybody_reads(sender: Sender, administrator: User) -> None:
    public = {kind: Audience.EVERYONE if kind is PrivacyClass.SQL else Audience.EDITORS for kind in PrivacyClass}
    set_privacy(connection=sender.connection, audiences=public)
    token = create_api_token(user=administrator, name="t", now=timezone.now()).text
    client = Client(headers={"Authorization": f"Bearer {token}"})
    for path in (f"/api/v1/runs/{RUN}", f"/api/v1/runs/{RUN}/events"):
        text = client.get(path).content.decode()
        assert [kind for kind in PrivacyClass if f"canary-{kind}" in text] == [PrivacyClass.SQL]
