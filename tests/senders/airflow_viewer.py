"""Airflow with a user who may only read, for what fetches from it. Its API gives small pages, whatever is asked for."""

import base64
import json
import secrets
import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

import requests

from tests.senders.airflow import Airflow
from tests.senders.old_airflow import OldAirflow
from tests.serving import ROOT

VIEWER = "viewer"
_ADMINISTRATOR = "admin"
_MOST_ROWS = 5


@dataclass
class ViewedAirflow(Airflow):
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def start(self) -> None:
        passwords = dict.fromkeys((VIEWER, _ADMINISTRATOR), self.password)
        (self.home / "passwords.json").write_text(json.dumps(passwords))
        super().start()

    def viewer_headers(self) -> dict[str, str]:
        return self._headers_of(VIEWER)

    def _headers(self) -> dict[str, str]:
        return self._headers_of(_ADMINISTRATOR)

    def _headers_of(self, name: str) -> dict[str, str]:
        user = {"username": name, "password": self.password}
        token = requests.post(f"{self.url}/auth/token", json=user, timeout=30).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def _settings(self) -> dict[str, str]:
        return super()._settings() | {
            "API__MAXIMUM_PAGE_LIMIT": str(_MOST_ROWS),
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{VIEWER}:viewer,{_ADMINISTRATOR}:admin",
        }


@dataclass
class ViewedAirflow2(OldAirflow):
    """The last release of Airflow 2. Its API takes user and password with each request."""

    environment: ClassVar[Path] = ROOT / ".venv-airflow-2.11"
    lock: ClassVar[Path] = ROOT / "requirements" / "airflow-2.11.lock"
    # It has no rights: a wrong password is refused, as it is elsewhere.
    public_role: ClassVar[str] = "Public"

    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def start(self) -> None:
        super().start()
        for name, role in ((_ADMINISTRATOR, "Admin"), (VIEWER, "Viewer")):
            # The webserver makes the roles.
            self.await_that(partial(self._add_user, name, role), f"user {name}", seconds=120)

    def _add_user(self, name: str, role: str) -> bool:
        options = {"username": name, "role": role, "password": self.password, "email": f"{name}@example.com"}
        names = ["--firstname", name, "--lastname", name]
        words = [word for option, value in options.items() for word in (f"--{option}", value)]
        command = [str(self.commands / "airflow"), "users", "create", *words, *names]
        done = subprocess.run(command, check=False, cwd=self.home, env=self._environment, capture_output=True)
        return done.returncode == 0

    def viewer_headers(self) -> dict[str, str]:
        return self._headers_of(VIEWER)

    def _headers(self) -> dict[str, str]:
        return self._headers_of(_ADMINISTRATOR)

    def _headers_of(self, name: str) -> dict[str, str]:
        pair = base64.b64encode(f"{name}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _settings(self) -> dict[str, str]:
        return super()._settings() | {
            "API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
            "API__MAXIMUM_PAGE_LIMIT": str(_MOST_ROWS),
        }
