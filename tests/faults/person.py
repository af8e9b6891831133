"""Administrator with a browser, who uses the product while it is being broken."""

import copy
import re
from uuid import uuid4

import requests

from tests.serving import OwnDatabase

_ANSWER_SECONDS = 10
_PASSWORD = "correct horse battery"


class Person:
    def __init__(self, database: OwnDatabase, url: str) -> None:
        name = f"person-{uuid4()}"
        make = "from django.contrib.auth.models import User; User.objects.create_superuser({!r}, password={!r})"
        database.manage("shell", "--no-imports", "--command", make.format(name, _PASSWORD))
        self._url, self._session = url, requests.Session()
        self.submit("/sign-in", login=name, password=_PASSWORD)

    def at(self, url: str) -> "Person":
        """Return this person at another server, with the session of this one."""
        there = copy.copy(self)
        there._url = url
        return there

    def read(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, timeout=_ANSWER_SECONDS)

    def submit(self, path: str, **fields: str) -> None:
        """Fill in the form of a page, and send it."""
        form = self.read(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
        assert token, form.text
        fields["csrfmiddlewaretoken"] = token[1]
        answer = self._session.post(self._url + path, fields, timeout=_ANSWER_SECONDS)
        assert answer.ok, answer.text
        assert answer.url != self._url + path, answer.text
