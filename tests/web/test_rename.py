"""Rename connection."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from tests.web.rows import make_connection

pytestmark = pytest.mark.django_db

DIALOG = {"HX-Request": "true", "HX-Target": "dialog-content"}


@pytest.fixture
def connection(db: None) -> Connection:
    return make_connection("Airflow production")


def url(connection: Connection) -> str:
    return f"/connections/{connection.pk}/rename"


def test_the_form_holds_the_name(as_editor: Client, connection: Connection) -> None:
    assert 'value="Airflow production"' in as_editor.get(url(connection)).content.decode()


def test_renaming_says_so_on_the_connection(as_editor: Client, connection: Connection) -> None:
    response = as_editor.post(url(connection), {"name": "Airflow <main>"})
    assert (response.status_code, response["Location"]) == (302, reverse("connection_overview", args=[connection.pk]))
    connection.refresh_from_db()
    assert connection.name == "Airflow <main>"
    assert "Renamed to Airflow &lt;main&gt;." in as_editor.get("/connections").content.decode()


def test_from_a_dialog_the_reader_stays_on_the_page(as_editor: Client, connection: Connection) -> None:
    headers = {**DIALOG, "HX-Current-URL": "http://testserver/connections?sort=-jobs"}
    response = as_editor.post(url(connection), {"name": "Airflow"}, headers=headers)
    assert response["HX-Redirect"] == "/connections?sort=-jobs"


def test_a_page_elsewhere_is_not_gone_to(as_editor: Client, connection: Connection) -> None:
    headers = {**DIALOG, "HX-Current-URL": "https://elsewhere.example/connections"}
    response = as_editor.post(url(connection), {"name": "Airflow"}, headers=headers)
    assert response["HX-Redirect"] == reverse("connection_overview", args=[connection.pk])


def test_a_name_that_is_taken_is_an_error_at_the_field(as_editor: Client, connection: Connection) -> None:
    make_connection("dbt")
    response = as_editor.post(url(connection), {"name": "DBT"})
    assert response.status_code == 422
    assert "There is a connection with this name already." in response.content.decode()
    connection.refresh_from_db()
    assert connection.name == "Airflow production"


def test_its_own_name_in_another_case_is_not_taken(as_editor: Client, connection: Connection) -> None:
    assert as_editor.post(url(connection), {"name": "AIRFLOW production"}).status_code == 302


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_viewer_may_not(as_viewer: Client, connection: Connection, method: str) -> None:
    assert getattr(as_viewer, method)(url(connection), {"name": "x"}).status_code == 403
    connection.refresh_from_db()
    assert connection.name == "Airflow production"


def test_anonymous_is_led_to_sign_in(client: Client, connection: Connection) -> None:
    assert client.post(url(connection), {"name": "x"})["Location"].startswith("/sign-in?next=")


def test_one_that_is_not_there_or_was_removed(as_editor: Client, connection: Connection) -> None:
    connection.removed_at = timezone.now()
    connection.save()
    assert as_editor.post(url(connection), {"name": "x"}).status_code == 404
    assert as_editor.get(f"/connections/{uuid.uuid4()}/rename").status_code == 404
