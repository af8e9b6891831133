"""Adding members: administrators of a connection have no list of people, and the form is none either."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connections.access import give_access
from connections.actions import create_connection
from tests.connections.conftest import NOW

pytestmark = pytest.mark.django_db


def test_who_is_not_there_and_who_may_not_come_get_one_answer(
    as_viewer: Client, viewer: User, administrator: User
) -> None:
    connection = create_connection(name="Lake", type="dbt", created_by=None, now=NOW)
    give_access(connection=connection, member=viewer, level="admin")
    User.objects.create(username="gone", email="gone@example.com", is_active=False)

    def add(name: str, client: Client = as_viewer) -> str:
        answer = client.post(f"/connections/{connection.pk}/access/add", {"name": name, "level": "view"})
        return "" if answer.status_code == 302 else answer.content.decode().replace(name, "NAME")

    answers = [add(name) for name in ("nobody", "gone", "gone@example.com", administrator.email)]
    assert all("There is no active person and no group with this name." in answer for answer in answers)
    assert add("administrator") == ""

    for number in range(30):
        add(f"guess{number}")
    assert "You tried many names" in add("guess")
    assert "You tried many names" in add("administrator")
    as_administrator = Client()
    as_administrator.force_login(administrator)
    assert [add("viewer", as_administrator) for _ in range(40)] == [""] * 40
