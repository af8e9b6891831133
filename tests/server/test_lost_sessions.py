"""PostgreSQL ended the sessions of a server that works on: reads do not notice, though nothing is sent to intake."""

import pytest
import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from people.tokens import create_api_token
from tests.live_server import SERVER_SESSIONS
from tests.serving import WORKERS, LiveServer

_SESSIONS = "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE application_name = %s"
_END = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = %s"
READS = 4 * WORKERS


def statuses(server: LiveServer, path: str, headers: dict[str, str]) -> list[int]:
    """The statuses of several reads. Each has a connection of its own, which any process of the server may take."""
    return [
        requests.get(f"{server.url}{path}", headers={**headers, "Connection": "close"}, timeout=30).status_code
        for _ in range(READS)
    ]


def end_sessions() -> None:
    with database.cursor() as cursor:
        cursor.execute(_SESSIONS, [SERVER_SESSIONS])
        assert cursor.fetchone()[0] >= WORKERS
        cursor.execute(_END, [SERVER_SESSIONS])


@pytest.fixture
def signed_in(server: LiveServer) -> dict[str, str]:
    """Headers of a person, whose session is a cookie, and of a program."""
    user = User.objects.create_user("ada")
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    token = create_api_token(user=user, name="script", now=timezone.now()).text
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}", "Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/api/v1/connections", "/connections"])
def test_the_first_read_of_each_process_is_answered(server: LiveServer, path: str, signed_in: dict[str, str]) -> None:
    assert statuses(server, path, signed_in) == [200] * READS
    end_sessions()
    assert statuses(server, path, signed_in) == [200] * READS
