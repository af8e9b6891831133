"""40 people sign in at once, again and again: senders hardly notice, and no process needs much memory."""

import http.client
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

import psutil
import pytest
import requests

from tests.faults.books import audit
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.memory import MIB, forget_peak, peak
from tests.faults.scale import LONG, scaled, tell
from tests.serving import LiveServer, OwnDatabase, serve

PEOPLE = 40
EVENTS = scaled(200, 20_000)
PEAK = 200 * MIB
P99_SECONDS = 0.25
ANSWER_SECONDS = 30
PASSWORD = "correct horse battery"
_ADD_PEOPLE = """
from django.contrib.auth.models import User
for number in range({count}):
    User.objects.create_user(f"person-{{number}}", password={password!r})
"""


@pytest.fixture
def slow_hashes(database: OwnDatabase, tmp_path: Path) -> Iterator[LiveServer]:
    """Server that hashes passwords as the product does."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.faults.password_settings"}
    with serve(database.url, tmp_path / "log.txt", environment=settings) as server:
        yield server


class People:
    """People with the sign-in page open, each at an address of their own behind a proxy on this machine.

    One thread sends and reads for all of them, because the senders' latencies are measured in this process.
    """

    def __init__(self, server: LiveServer) -> None:
        self._port = server.port
        form = requests.get(f"{server.url}/sign-in", timeout=ANSWER_SECONDS)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
        assert token, form.text
        self._token, self._cookie = token[1], form.headers["Set-Cookie"].partition(";")[0]

    def sign_in_at_once(self) -> Counter[str]:
        """Let all of them sign in, and count the answers."""
        with ExitStack() as stack:
            clients = [stack.enter_context(closing(self._send(number))) for number in range(PEOPLE)]
            return Counter(self._answer(client) for client in clients)

    def _send(self, number: int) -> http.client.HTTPConnection:
        fields = {"login": f"person-{number}", "password": PASSWORD, "csrfmiddlewaretoken": self._token}
        headers = {
            "Cookie": self._cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": f"192.0.2.{number}",
        }
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        client.request("POST", "/sign-in", urlencode(fields), headers)
        return client

    def _answer(self, client: http.client.HTTPConnection) -> str:
        response = client.getresponse()
        asks_again = response.headers["Retry-After"] is not None
        return f"{response.status}{', Retry-After' if asks_again else ''}"


def test_senders_hardly_notice(
    database: OwnDatabase, slow_hashes: LiveServer, new_target: Callable[[int], Target]
) -> None:
    command = _ADD_PEOPLE.format(count=PEOPLE, password=PASSWORD)
    database.manage("shell", "--no-imports", "--command", command)
    target = new_target(slow_hashes.port)
    processes = [psutil.Process(slow_hashes.process.pid), *slow_hashes.workers]
    for process in processes:
        forget_peak(process)
    ledger = Ledger()

    people, answers = People(slow_hashes), Counter[str]()
    with load(target, ledger, make_events(EVENTS), clients=2):
        while len(ledger.exchanges) < EVENTS:
            answers += people.sign_in_at_once()

    p99 = quantiles((exchange.ended - exchange.began for exchange in ledger.exchanges), n=100)[98]
    peaks = [peak(process) for process in processes]
    tell(f"p99 {p99 * 1000:.0f} ms; peaks {[size // MIB for size in peaks]} MiB; sign-ins {dict(answers)}")
    assert max(peaks) <= PEAK
    if LONG:  # else there are too few events, and other work has the processors, too
        assert p99 <= P99_SECONDS
    assert ledger.answers.keys() == {201}
    assert answers.keys() <= {"302", "503, Retry-After"}
    assert answers["302"]
    audit(database, target.connection_id, ledger)
