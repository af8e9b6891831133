"""A signed-in reader of a server's pages and API."""

import http.client
import statistics
import time
from dataclasses import dataclass

from tests.serving import OwnDatabase

_SIGN_IN = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get_or_create(username="reader")[0])
print(settings.SESSION_COOKIE_NAME + "=" + client.cookies[settings.SESSION_COOKIE_NAME].value)
"""


@dataclass(frozen=True)
class Timing:
    """Quantiles of response times, in seconds."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Timing":
        cuts = statistics.quantiles(seconds, n=100)
        return cls(cuts[49], cuts[94])


class Reader:
    """Signed-in reader with a browser: one session, and one HTTP connection that stays open."""

    def __init__(self, port: int, database: OwnDatabase) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port)
        self._cookie = database.manage("shell", "--no-imports", "--command", _SIGN_IN).splitlines()[-1]

    def read(self, url: str) -> tuple[float, bytes]:
        """Measure the seconds until the response is complete, and return its body, too. Ends the program if it is not
        the page."""
        began = time.perf_counter()
        self._http.request("GET", url, headers={"Cookie": self._cookie})
        answer = self._http.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise SystemExit(f"GET {url}: {answer.status}")
        return took, body
