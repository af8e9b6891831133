from typing import Any

import pytest
from django.test import Client

from people.models import ApiToken

TOKENS = "/admin/people/apitoken/"


@pytest.fixture
def operator(administrator: Any, settings: Any) -> Client:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    client = Client()
    client.force_login(administrator)
    return client


def test_an_operator_finds_tokens_and_never_their_hash(token: str, operator: Client) -> None:
    row = ApiToken.objects.get()
    for path in (TOKENS, f"{TOKENS}?q=ada", f"{TOKENS}{row.pk}/change/"):
        page = operator.get(path).content.decode()
        assert row.lookup in page
        assert "ada" in page
        assert row.secret_hash not in page
    assert row.lookup not in operator.get(f"{TOKENS}?q=grace").content.decode()


def test_an_operator_ends_a_token(token: str, operator: Client, api: Client) -> None:
    operator.post(f"{TOKENS}{ApiToken.objects.get().pk}/delete/", {"post": "yes"})
    assert api.get("/api/v1/connections").status_code == 401


def test_the_site_neither_makes_nor_changes_tokens(token: str, operator: Client) -> None:
    assert operator.get(f"{TOKENS}add/").status_code == 403
    assert operator.post(f"{TOKENS}{ApiToken.objects.get().pk}/change/", {"lookup": "another"}).status_code == 403
