"""The client that asks orchestrators: what it refuses, and how it says so."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pull.http import client as module
from pull.http.client import Client, checked_url, read
from pull.http.faults import Fault, FaultCode
from pull.http.hosts import AllowedHosts
from tests.pull.local_server import Answer, Asked, LocalServer, answering

ALLOWED = AllowedHosts.parse(["127.0.0.1", "localhost", "airflow.test"])
CANARY = "canary-of-a-secret"
JSON = {"Content-Type": "application/json"}


@contextmanager
def asking(answer: Answer, **options: Any) -> Iterator[tuple[Client, LocalServer]]:
    with answering(lambda _: answer) as server, Client(server.url, ALLOWED, **options) as client:
        yield client, server


def fault_of(call: Callable[[], Any]) -> Fault:
    with pytest.raises(Fault) as raised:
        call()
    assert CANARY not in raised.value.words
    return raised.value


def test_an_answer() -> None:
    headers = {**JSON, "Content-Encoding": "gzip", "Date": "Tue, 01 Dec 2026 12:00:00 GMT"}
    answer = Answer(200, gzip.compress(b'{"version": "3.3.2"}'), headers)
    with asking(answer, headers={"Authorization": f"Bearer {CANARY}"}) as (client, server):
        assert read(client.get("/api/v2/version", {"limit": 5, "state": ["a", "b"]}), dict[str, str], "/v") == {
            "version": "3.3.2"
        }
        client.post("/auth/token", {"username": "ada"})
        client.post("/token", {"grant_type": "x"}, form=True)
        assert client.calls == 3
        # The server's own header comes first; both are dates.
        assert client.their_time is not None
        first, second, third = server.asked
    assert (first.path, first.query) == ("/api/v2/version", {"limit": ["5"], "state": ["a", "b"]})
    assert first.headers["Authorization"] == f"Bearer {CANARY}"
    assert second.body == b'{"username":"ada"}'
    assert third.body == b"grant_type=x"


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (400, FaultCode.BAD_REQUEST, "does not understand"),
        (401, FaultCode.UNAUTHORIZED, "refuses the user"),
        (403, FaultCode.FORBIDDEN, "does not allow to read /api/v2/dags"),
        (404, FaultCode.NOT_FOUND, "nothing at /api/v2/dags"),
        (418, FaultCode.UNEXPECTED, "418"),
        (500, FaultCode.SERVER_FAULT, "500"),
        (302, FaultCode.REDIRECTED, "leads on to https://sso.example.com:"),
    ],
)
def test_refusals(status: int, code: FaultCode, says: str) -> None:
    location = {"Location": f"https://sso.example.com/login?ticket={CANARY}"} if status == 302 else {}
    with asking(Answer(status, CANARY.encode(), {**JSON, **location})) as (client, server):
        fault = fault_of(lambda: client.get("/api/v2/dags", {"token": CANARY}))
        assert len(server.asked) == 1
    assert (fault.code, fault.status, fault.path) == (code, status, "/api/v2/dags")
    assert says in fault.words


@pytest.mark.parametrize("status", [429, 503])
def test_pauses(status: int) -> None:
    in_a_minute = datetime.now(UTC) + timedelta(seconds=60)
    for text, seconds in (("60", 60), (format_datetime(in_a_minute, usegmt=True), 60), ("99999", 15 * 60)):
        with asking(Answer(status, b"", {"Retry-After": text})) as (client, _):
            fault = fault_of(lambda: client.get("/"))
        assert fault.code == FaultCode.THROTTLED
        assert fault.retry_at is not None
        assert abs((fault.retry_at - datetime.now(UTC)).total_seconds() - seconds) < 5
    with asking(Answer(status, b"", {"Retry-After": "soon"})) as (client, _):
        assert fault_of(lambda: client.get("/")).retry_at is None


def test_a_page_in_place_of_data() -> None:
    with asking(Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html; charset=utf-8"})) as (client, _):
        assert fault_of(lambda: client.get("/api")).code == FaultCode.NOT_JSON
    assert fault_of(lambda: read(b"<html>", dict[str, str], "/api")).code == FaultCode.NOT_JSON
    other = fault_of(lambda: read(b'{"version": 3}', dict[str, str], "/api"))
    assert (other.code, "Expected `str`, got `int`" in other.words) == (FaultCode.UNEXPECTED, True)


def test_large_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1024 * 1024)
    bomb = Answer(200, gzip.compress(b" " * 64 * 1024 * 1024), {**JSON, "Content-Encoding": "gzip"})
    for answer in (Answer(200, b" " * (1024 * 1024 + 1)), bomb):
        with asking(answer) as (client, _):
            assert fault_of(lambda: client.get("/")).code == FaultCode.TOO_LARGE


def test_slow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, Client(f"http://127.0.0.1:{listener.getsockname()[1]}", ALLOWED) as client:
        assert fault_of(lambda: client.get("/")).code == FaultCode.TIMED_OUT


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: ",
        # The name of a file, which inflates to nothing.
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\xff",
    ],
    ids=["body", "header", "gzip"],
)
def test_answers_that_drip(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, but not all of them."""
    monkeypatch.setattr(module, "SECONDS", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        answered, _ = listener.accept()
        with answered, contextlib.suppress(OSError):
            answered.sendall(head)
            while True:
                answered.sendall(b" ")
                time.sleep(0.01)

    with listener, Client(f"http://127.0.0.1:{listener.getsockname()[1]}", ALLOWED) as client:
        thread = threading.Thread(target=drip)
        thread.start()
        assert fault_of(lambda: client.get("/")).code == FaultCode.TIMED_OUT
        thread.join()


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", ALLOWED) as client:
        assert fault_of(lambda: client.get("/")).code == FaultCode.UNREACHABLE


def test_passwords_are_not_sent_openly() -> None:
    with Client("http://example.com", AllowedHosts()) as client:
        fault = fault_of(lambda: client.get("/"))
    assert fault.code == FaultCode.ADDRESS_REFUSED
    assert "https://" in fault.words
    assert client.calls == 0


class Names:
    """Resolves names as a test says, in place of the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)

    def look_up(self, host: str, port: int, *args: Any, **options: Any) -> Any:
        if host.replace(".", "").isdecimal():
            return self.real(host, port, *args, **options)
        addresses = self.answers.pop(0)
        if not addresses:
            raise socket.gaierror(8, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def test_names_that_lead_to_addresses_that_must_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda _: Answer()) as server:
        # One address of several is enough; and each look-up counts, not only the first one.
        Names(monkeypatch, [], ["10.1.2.3"], ["127.0.0.1", "169.254.169.254"], ["127.0.0.1"], ["169.254.169.254"])
        url = f"http://airflow.test:{server.port}"
        with Client(url, AllowedHosts.parse(["airflow.test"])) as client:
            assert fault_of(lambda: client.get("/")).code == FaultCode.ADDRESS_NOT_FOUND
        with Client("https://elsewhere.test", AllowedHosts()) as client:
            assert fault_of(lambda: client.get("/")).code == FaultCode.ADDRESS_REFUSED
        with Client(url, AllowedHosts.parse(["airflow.test"])) as client:
            assert fault_of(lambda: client.get("/")).code == FaultCode.ADDRESS_REFUSED
        assert server.asked == []
        with Client(url, AllowedHosts.parse(["airflow.test"])) as client:
            assert client.get("/") == b"{}"
        with Client(url, AllowedHosts.parse(["airflow.test"])) as client:
            assert fault_of(lambda: client.get("/")).code == FaultCode.ADDRESS_REFUSED
        assert [asked.headers["Host"] for asked in server.asked] == [f"airflow.test:{server.port}"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of airflow.test, which signed it itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "airflow.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("airflow.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "airflow.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_the_certificate_is_that_of_the_name(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer: Callable[[Asked], Answer] = lambda _: Answer()  # noqa: E731
    with answering(answer, lambda it: context.wrap_socket(it, server_side=True)) as server:
        Names(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])
        with Client(f"https://airflow.test:{server.port}", ALLOWED) as client:
            assert client.get("/") == b"{}"
        with Client(f"https://localhost:{server.port}", ALLOWED) as client:
            fault = fault_of(lambda: client.get("/"))
    assert fault.code == FaultCode.TLS
    assert "localhost" in fault.words
    assert asked_for == ["airflow.test", "localhost"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "airflow.example.com",
        "ftp://a.test",
        "https://",
        "https://u:p@a.test",
        "https://a.test?x=1",
        "https://a.test#b",
        "https://a b.test",
        "https://[::1",
        "https://a.test:99999",
    ],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        Client(url, ALLOWED)


def test_a_url_with_a_path() -> None:
    assert checked_url(" https://example.com/airflow/ ") == "https://example.com/airflow"
