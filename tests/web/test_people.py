"""People for administrators: the list, and the link by which an added person sets their password."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = {"new_password1": "a staple for the horse", "new_password2": "a staple for the horse"}


def link_in(response: Any) -> str:
    (link,) = re.findall(r'id="new-link">http://testserver([^<]*)<', unescape(response.content.decode()))
    return str(link)


def test_an_added_person_sets_their_password_once(as_administrator: Client) -> None:
    fields = {"username": "ada", "email": "ada@example.com", "role": "editor"}
    response = as_administrator.post("/people/add", fields)
    assert "no-store" in response["Cache-Control"]
    link = link_in(response)

    client = Client()
    form = client.get(link)["Location"]
    assert link not in form
    assert client.post(form, {**NEW, "new_password2": "other"}).status_code == 422
    assert client.post(form, NEW)["Location"] == "/sign-in"
    assert client.post("/sign-in", {"login": "ada@example.com", "password": NEW["new_password1"]}).status_code == 302
    assert client.get("/connections/add").status_code == 200
    assert Client().get(link).status_code == 410
    assert list(AuditEntry.objects.order_by("id").values_list("actor", "verb", "name")) == [
        ("administrator", "added", "ada"),
        ("administrator", "link_made", "ada"),
        ("", "password_changed", "ada"),
        ("ada", "signed_in", "ada"),
    ]
    assert link.rsplit("/")[-1] not in str(list(AuditEntry.objects.values()))
    for taken, words in (
        (fields | {"email": ""}, "this user name"),
        (fields | {"username": "b"}, "this e-mail address"),
        ({"username": "Ada@Example.com", "role": "viewer"}, "this user name"),
    ):
        refused = as_administrator.post("/people/add", taken)
        assert refused.status_code == 422
        assert words in refused.content.decode()


def test_a_link_ends_and_a_deactivated_person_has_none(as_administrator: Client, viewer: User) -> None:
    signed_in = Client()
    signed_in.post("/sign-in", {"login": "viewer", "password": PASSWORD})
    link = link_in(as_administrator.post(f"/people/{viewer.pk}/link"))
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        assert Client().get(link).status_code == 410
    as_administrator.post(f"/people/{viewer.pk}/deactivate")
    assert Client().get(link).status_code == 410
    assert as_administrator.get(f"/people/{viewer.pk}/link").status_code == 404
    as_administrator.post(f"/people/{viewer.pk}/reactivate")
    assert Client().get(link).status_code == 410
    link = link_in(as_administrator.post(f"/people/{viewer.pk}/link"))
    client = Client()
    form = client.get(link)["Location"]
    assert client.post(form, NEW).status_code == 302
    # Back in the same browser, or without the link: a page that says so.
    assert (client.get(form).status_code, Client().get(form).status_code) == (410, 410)
    assert signed_in.get("/account").status_code == 302


def test_list_roles_and_the_last_administrator(as_administrator: Client, administrator: User, editor: User) -> None:
    def names(query: str = "") -> list[str]:
        table = as_administrator.get(f"/people{query}").context["table"]
        return [row.user.username for row in table.rows]

    User.objects.bulk_create(User(username=f"person {number:02}") for number in range(60))
    assert len(names()) == 50
    assert names("?q=EDITOR@example") == names("?role=editor") == ["editor"]
    as_administrator.post(f"/people/{editor.pk}/deactivate")
    assert names("?state=deactivated") == ["editor"]
    assert as_administrator.get("/people?role=x").status_code == 400
    assert "Nobody matches" in as_administrator.get("/people?q=nothing").content.decode()

    for path, fields in (("role", {"role": "viewer"}), ("deactivate", {})):
        refused = as_administrator.post(f"/people/{administrator.pk}/{path}", fields)
        assert refused.status_code == 422
        assert "This is the last active administrator." in refused.content.decode()
    as_administrator.post(f"/people/{editor.pk}/role", {"role": "administrator"})
    assert "is now administrator" in as_administrator.get("/people").content.decode()
