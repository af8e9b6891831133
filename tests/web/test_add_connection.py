"""Add connection: who may, what it makes, where it leads, and what it answers to a name that is taken."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from tests.web.rows import make_connection

pytestmark = pytest.mark.django_db

URL = "/connections/add"
DIALOG = {"HX-Request": "true", "HX-Target": "dialog-content"}


def settings_of(name: str) -> str:
    return reverse("connection_settings", args=[Connection.objects.get(name=name).pk])


def test_the_page_offers_the_three_types(as_editor: Client) -> None:
    page = as_editor.get(URL).content.decode()
    assert "<html" in page
    for label in ("Airflow with OpenLineage", "dbt Core with OpenLineage", "Any OpenLineage producer"):
        assert label in page
    assert 'value="airflow" required checked' in page


def test_adding_lands_on_settings(as_editor: Client, editor: User) -> None:
    response = as_editor.post(URL, {"name": "  Airflow production ", "type": "dbt"})
    assert (response.status_code, response["Location"]) == (302, settings_of("Airflow production"))
    connection = Connection.objects.get()
    assert (connection.type, connection.created_by) == ("dbt", editor)


def test_in_the_dialog_it_lands_there_as_well(as_editor: Client) -> None:
    dialog = as_editor.get(URL, headers=DIALOG)
    assert "<html" not in dialog.content.decode()
    assert 'hx-post="/connections/add"' in dialog.content.decode()
    response = as_editor.post(URL, {"name": "Airflow", "type": "airflow"}, headers=DIALOG)
    assert (response.status_code, response["HX-Redirect"]) == (200, settings_of("Airflow"))


@pytest.mark.parametrize("headers", [{}, DIALOG], ids=["page", "dialog"])
def test_a_name_that_is_taken_is_an_error_at_the_field(as_editor: Client, headers: dict[str, str]) -> None:
    make_connection("Airflow production")
    response = as_editor.post(URL, {"name": "airflow PRODUCTION", "type": "dbt"}, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'aria-invalid="true" aria-describedby="id_name_error"' in page
    assert 'id="id_name_error"' in page
    assert "There is a connection with this name already." in page
    # What was typed and chosen stays.
    assert 'value="airflow PRODUCTION"' in page
    assert 'value="dbt" required checked' in page
    assert Connection.objects.count() == 1


@pytest.mark.parametrize(
    "sent", [{}, {"name": "", "type": "dbt"}, {"name": "x", "type": "cron"}, {"name": "x" * 101, "type": "dbt"}]
)
def test_what_is_missing_or_wrong_makes_nothing(as_editor: Client, sent: dict[str, str]) -> None:
    response = as_editor.post(URL, sent)
    assert response.status_code == 422
    assert "field-error" in response.content.decode()
    assert not Connection.objects.exists()


def test_what_is_typed_is_escaped(as_editor: Client) -> None:
    page = as_editor.post(URL, {"name": '"><script>x', "type": ""}).content.decode()
    assert "<script>x" not in page
    assert "&quot;&gt;&lt;script&gt;x" in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_viewer_may_not(as_viewer: Client, method: str) -> None:
    response = getattr(as_viewer, method)(URL, {"name": "x", "type": "dbt"})
    assert response.status_code == 403
    assert "You may not do this" in response.content.decode()
    assert not Connection.objects.exists()


def test_an_administrator_may(as_administrator: Client) -> None:
    assert as_administrator.post(URL, {"name": "x", "type": "dbt"}).status_code == 302


def test_anonymous_is_led_to_sign_in(client: Client) -> None:
    assert client.post(URL, {"name": "x", "type": "dbt"})["Location"] == "/sign-in?next=/connections/add"
    assert not Connection.objects.exists()


def test_a_form_without_its_token_is_refused(editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    response = client.post(URL, {"name": "x", "type": "dbt"})
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
    assert not Connection.objects.exists()


def test_a_namespace_longer_than_a_name_is_taken_whole(as_editor: Client) -> None:
    namespace = "n" * 200
    form = as_editor.get(f"{URL}?namespace={namespace}").context["form"]
    assert as_editor.post(URL, form.initial).status_code == 302
    connection = Connection.objects.get()
    assert (connection.name, namespace in connection.routes.values_list("namespace", flat=True)) == ("n" * 100, True)
