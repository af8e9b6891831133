"""Ways to sign in to Airflow's API. Each gives the value of the header `Authorization`."""

import base64
from dataclasses import dataclass, field
from typing import Protocol

from pull.http.client import Client, read
from pull.sources.airflow.records import Token


class Login(Protocol):
    @property
    def can_renew(self) -> bool:
        """True if signing in again may help once the API answers 401."""

    def authorization(self, client: Client, *, is_airflow_3: bool) -> str:
        """Sign in. Raises Fault."""


@dataclass(frozen=True, slots=True)
class ByToken:
    """A token that somebody made, which is sent as it is."""

    token: str = field(repr=False)
    can_renew: bool = False

    def authorization(self, client: Client, *, is_airflow_3: bool) -> str:  # noqa: ARG002 - see Login
        return f"Bearer {self.token}"


@dataclass(frozen=True, slots=True)
class ByPassword:
    """User and password: Airflow 3 gives a token of a day for them, Airflow 2 takes them with each request."""

    username: str
    password: str = field(repr=False)
    can_renew: bool = True

    def authorization(self, client: Client, *, is_airflow_3: bool) -> str:
        if not is_airflow_3:
            return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        answer = client.post("/auth/token", {"username": self.username, "password": self.password})
        return f"Bearer {read(answer, Token, '/auth/token').access_token}"
