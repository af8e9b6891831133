from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from people.tokens import create_api_token


@pytest.fixture
def person(db: None) -> Any:
    return get_user_model().objects.create_user("ada", password="a long enough one")


@pytest.fixture
def token(person: Any) -> str:
    return create_api_token(user=person, name="script", now=timezone.now()).text


@pytest.fixture
def api(token: str) -> Client:
    """A client that sends the token."""
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def read(api: Client) -> Callable[..., Any]:
    """The parsed answer of an endpoint; the path without /api/v1/."""

    def get(path: str, answer: int = 200, /, **query: Any) -> Any:
        response = api.get(f"/api/v1/{path}", query)
        assert response.status_code == answer, response.content
        return response.json()

    return get
