from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import URLResolver, get_resolver

from people.models import ApiToken
from people.tokens import create_api_token

CONNECTIONS = "/api/v1/connections"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": text}


def assert_refused(response: Any) -> None:
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert set(response.json()["error"]) == {"code", "message", "detail"}


def test_a_token_reads(token: str) -> None:
    assert Client().get(CONNECTIONS, headers=bearer(f"Bearer {token}")).status_code == 200
    assert Client().get(CONNECTIONS, headers=bearer(f"bearer  {token} ")).status_code == 200


def test_a_session_reads(person: Any, client: Client) -> None:
    client.force_login(person)
    assert client.get(CONNECTIONS).status_code == 200


def api_paths() -> list[str]:
    [api] = [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) == "api/v1/"]
    assert isinstance(api, URLResolver)
    an_id = "00000000-0000-0000-0000-000000000001"
    paths = [str(pattern.pattern) for pattern in api.url_patterns]
    for name in ("connection_id", "job_id", "run_id", "dataset_id"):
        paths = [path.replace(f"<any_case_uuid:{name}>", an_id) for path in paths]
    return sorted(f"/api/v1/{path}" for path in paths)


def is_sent(method: str, path: str) -> bool:
    return path == "/api/v1/lineage" and method not in {"get", "head", "options"}


@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "patch", "delete"])
def test_nobody_reads_without_either(db: None, client: Client, method: str) -> None:
    paths = api_paths()
    assert len(paths) == 21
    for path in paths:
        response = getattr(client, method)(path)
        if is_sent(method, path):
            # Clients that know only Marquez send events there: by POST, with a key.
            assert response.status_code == (401 if method == "post" else 405)
        elif path == "/api/v1/docs":
            assert response.headers["Location"] == "/sign-in?next=/api/v1/docs"
        else:
            assert response.status_code == 401, path
            assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: " ",
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.replace("obt_", "obs_"),
        lambda token: token[:20] + ("A" if token[20] != "A" else "B") + token[21:],
        lambda token: f"{token} {token}",
        lambda token: "é" * len(token),
        lambda _: "0" * 100_000,
    ],
)
def test_what_is_no_token_is_refused(token: str, change: Any) -> None:
    header = f"Bearer {change(token)}".encode().decode("latin-1")
    assert_refused(Client().get(CONNECTIONS, headers=bearer(header)))


def test_another_secret_with_a_known_lookup_part_is_refused(token: str) -> None:
    ApiToken.objects.update(secret_hash="0" * 64)
    assert_refused(Client().get(CONNECTIONS, headers=bearer(f"Bearer {token}")))


def test_a_wrong_token_is_refused_beside_a_session(person: Any, client: Client) -> None:
    client.force_login(person)
    assert_refused(client.get(CONNECTIONS, headers=bearer("Bearer wrong")))


def test_another_scheme_counts_as_nothing(db: None) -> None:
    assert_refused(Client().get(CONNECTIONS, headers=bearer("Basic YTpi")))


def test_a_deleted_token_and_an_inactive_user_are_refused_at_once(person: Any, api: Client, client: Client) -> None:
    client.force_login(person)
    person.is_active = False
    person.save()
    assert_refused(api.get(CONNECTIONS))
    assert_refused(client.get(CONNECTIONS))
    person.is_active = True
    person.save()
    assert api.get(CONNECTIONS).status_code == 200
    ApiToken.objects.all().delete()
    assert_refused(api.get(CONNECTIONS))


def test_the_secret_is_not_kept(token: str) -> None:
    [row] = ApiToken.objects.values()
    secret = token.split("_")[2]
    assert not [value for value in row.values() if secret in str(value)]


def test_use_is_noted_once_a_minute(person: Any, django_assert_num_queries: Any) -> None:
    new = create_api_token(user=person, name="script", now=NOW)
    client = Client(headers=bearer(f"Bearer {new.text}"))

    def last_used_after(moment: datetime) -> datetime | None:
        with time_machine.travel(moment, tick=False):
            assert client.get(CONNECTIONS).status_code == 200
        return ApiToken.objects.get().last_used_at

    assert last_used_after(NOW) == NOW
    assert last_used_after(NOW + timedelta(seconds=59)) == NOW
    assert last_used_after(NOW + timedelta(seconds=60)) == NOW + timedelta(seconds=60)
