"""Plain HTTP to a server whose PUBLIC_URL is https: the intake refuses, counts and lists it, and never redirects.

Only proxies that FORWARDED_ALLOW_IPS names may say that a request came over TLS.
"""

from collections.abc import Callable, Iterator

import pytest
import requests

from connections.models import Attempt
from lineage.models import Event
from tests.lineage.build import run_event
from tests.live_server import METRICS_TOKEN, Sender, serve_tests, wait_until_settled
from tests.serving import LiveServer

STRANGER = {"X-Forwarded-For": "203.0.113.7"}
HTTPS = {"X-Forwarded-Proto": "https"}
ELSEWHERE = "192.0.2.0/24"

Post = Callable[[LiveServer, dict[str, str]], tuple[int, str | None]]


@pytest.fixture(scope="module")
def _tls_server_of_module(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    log = tmp_path_factory.mktemp("tls") / "log.txt"
    with serve_tests(log, {"PUBLIC_URL": "https://observatory.example"}, workers=1) as server:
        yield server


@pytest.fixture
def tls_server(_tls_server_of_module: LiveServer, transactional_db: None) -> Iterator[LiveServer]:
    """Server that trusts a proxy on this machine, as it does by default."""
    yield _tls_server_of_module
    wait_until_settled()


@pytest.fixture(scope="module")
def _distrusting_server_of_module(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    environment = {"PUBLIC_URL": "https://observatory.example", "FORWARDED_ALLOW_IPS": ELSEWHERE}
    with serve_tests(tmp_path_factory.mktemp("distrusting") / "log.txt", environment, workers=1) as server:
        yield server


@pytest.fixture
def distrusting_server(_distrusting_server_of_module: LiveServer, transactional_db: None) -> Iterator[LiveServer]:
    """Server that trusts proxies on other machines only."""
    yield _distrusting_server_of_module
    wait_until_settled()


@pytest.fixture
def post(new_sender: Callable[..., Sender]) -> Post:
    sender = new_sender()

    def send(server: LiveServer, headers: dict[str, str]) -> tuple[int, str | None]:
        response = requests.post(
            server.endpoint(sender.connection.id),
            run_event(),
            headers=sender.headers | headers,
            allow_redirects=False,
            timeout=30,
        )
        return response.status_code, response.json().get("error", {}).get("code")

    return send


def is_page_over_tls(server: LiveServer, headers: dict[str, str]) -> bool:
    """Ask for a page. Its response has Strict-Transport-Security exactly if Django takes the request for one over
    TLS."""
    response = requests.get(f"{server.url}/sign-in", headers={"Host": "observatory.example"} | headers, timeout=30)
    assert response.status_code == 200
    return "Strict-Transport-Security" in response.headers


def test_plain_http_is_refused(tls_server: LiveServer, post: Post) -> None:
    refused = [
        {"X-Forwarded-Proto": "http"},
        STRANGER | {"X-Forwarded-Proto": "http"},
        STRANGER | {"X-Forwarded-Proto": "http, https"},
        # Sent by the client, and a proxy appended to it.
        STRANGER | {"X-Forwarded-Proto": "https, http"},
        STRANGER,
        STRANGER | {"Authorization": "Bearer wrong"},
    ]
    assert [post(tls_server, headers) for headers in refused] == [(403, "plain_http")] * len(refused)
    assert not any(is_page_over_tls(tls_server, headers) for headers in refused)

    assert not Event.objects.exists()
    attempts = Attempt.objects.all()
    assert {(it.status, "https" in it.reason, "FORWARDED_ALLOW_IPS" in it.reason) for it in attempts} == {
        (403, True, True)
    }
    metrics = requests.get(
        f"{tls_server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=30
    ).text
    assert f'observatory_intake_requests_total{{outcome="rejected",reason="plain_http"}} {len(refused)}.0' in metrics


@pytest.mark.parametrize("headers", [HTTPS, STRANGER | HTTPS], ids=str)
def test_tls_is_accepted(tls_server: LiveServer, post: Post, headers: dict[str, str]) -> None:
    assert post(tls_server, headers) == (201, None)
    assert is_page_over_tls(tls_server, headers)


def test_clients_on_this_machine_are_accepted(tls_server: LiveServer, post: Post) -> None:
    assert post(tls_server, {}) == (201, None)


def test_who_is_no_trusted_proxy_is_not_believed(distrusting_server: LiveServer, post: Post) -> None:
    for headers in (HTTPS, STRANGER | HTTPS, STRANGER | {"X-Forwarded-Proto": "http"}):
        assert post(distrusting_server, headers) == (403, "plain_http")
        assert not is_page_over_tls(distrusting_server, headers)
    # Neither is what it says of its clients: this is a client on this machine, without TLS and without a proxy.
    assert post(distrusting_server, STRANGER) == (201, None)
    assert Event.objects.count() == 1
