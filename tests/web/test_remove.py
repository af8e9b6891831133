"""Remove connection: what goes is said, the name is typed, and then it is gone."""

import uuid

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import ApiKey, Connection
from lineage.models import Job
from tests.lineage.conftest import READER
from tests.web.rows import job, job_that_ran, make_activity, make_connection, save

pytestmark = pytest.mark.django_db

DIALOG = {"HX-Request": "true", "HX-Target": "dialog-content"}


@pytest.fixture
def connection(db: None) -> Connection:
    connection = make_connection("Airflow production")
    make_activity(connection)
    for name in ("one", "two"):
        ApiKey.objects.create(connection=connection, name=name, lookup=name, created_at=timezone.now())
    save([job_that_ran(connection, f"job {number}") for number in range(1)] + [job(connection, "never ran")])
    return connection


def url(connection: Connection) -> str:
    return f"/connections/{connection.pk}/remove"


@pytest.mark.parametrize("headers", [{}, DIALOG], ids=["page", "dialog"])
def test_it_says_what_goes(as_editor: Client, connection: Connection, headers: dict[str, str]) -> None:
    page = " ".join(as_editor.get(url(connection), headers=headers).content.decode().split())
    assert "2 jobs, 1 run, 2 keys" in page
    assert "This cannot be undone." in page


def test_with_the_name_typed_it_is_gone(as_editor: Client, connection: Connection) -> None:
    response = as_editor.post(url(connection), {"name": "Airflow production"})
    assert (response.status_code, response["Location"]) == (302, "/connections")
    page = as_editor.get("/connections").content.decode()
    assert "Airflow production was removed." in page
    assert "Connect your first orchestrator" in page
    assert not ApiKey.objects.exists()
    assert not Job.objects.visible(READER).exists()
    assert as_editor.get(url(connection)).status_code == 404


def test_from_a_dialog_it_leads_to_the_list(as_editor: Client, connection: Connection) -> None:
    headers = {**DIALOG, "HX-Current-URL": f"http://testserver/connections/{connection.pk}"}
    response = as_editor.post(url(connection), {"name": "Airflow production"}, headers=headers)
    assert response["HX-Redirect"] == "/connections"


@pytest.mark.parametrize("typed", ["", "airflow production", "Airflow"])
def test_without_the_name_nothing_goes(as_editor: Client, connection: Connection, typed: str) -> None:
    response = as_editor.post(url(connection), {"name": typed})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert Connection.objects.live().count() == 1
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_viewer_may_not(as_viewer: Client, connection: Connection, method: str) -> None:
    assert getattr(as_viewer, method)(url(connection), {"name": "Airflow production"}).status_code == 403
    assert Connection.objects.live().exists()


def test_anonymous_is_led_to_sign_in(client: Client, connection: Connection) -> None:
    assert client.post(url(connection), {"name": "Airflow production"})["Location"].startswith("/sign-in?next=")
    assert Connection.objects.live().exists()


def test_one_that_is_not_there(as_editor: Client) -> None:
    assert as_editor.get(f"/connections/{uuid.uuid4()}/remove").status_code == 404
