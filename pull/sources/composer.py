"""Google Cloud Composer: an Airflow whose web server takes tokens of Google.

Made from Google's documentation, and never seen live. The key of a service account signs a statement, for which Google
gives a token of one hour. The account has the role Composer User, and has to be registered in Airflow with the role
Viewer: by itself it gets the role Op.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from pull.http.client import Client, read
from pull.http.faults import Fault, FaultCode
from pull.sources.airflow.api import AirflowApi
from pull.sources.airflow.fetcher import AirflowFetcher
from pull.sources.airflow.fields import HINTS, NAMESPACE, RECIPE, recipe_of_form
from pull.sources.airflow.records import Token
from pull.sources.fetcher import Fetcher, Field, Opened, Room
from pull.systems import System

_TOKEN_HOST: Final = "https://oauth2.googleapis.com"  # noqa: S105 - an address
_TOKEN_PATH: Final = "/token"  # noqa: S105 - a path
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME: Final = timedelta(minutes=10)
_FIELDS: Final = (
    Field(
        "url",
        "Airflow web UI",
        "As the environment's page in Google Cloud shows it.",
        placeholder="https://….composer.googleusercontent.com",
    ),
    Field("secret", "Key of a service account", "The JSON file that Google Cloud gives.", is_secret=True),
    NAMESPACE,
    RECIPE,
)


@dataclass(frozen=True, slots=True)
class ByServiceAccount:
    """`client_of`: makes a client for another address."""

    key: str = field(repr=False)
    client_of: Callable[[str], Client]
    can_renew: bool = True

    def authorization(self, client: Client, *, is_airflow_3: bool) -> str:  # noqa: ARG002 - see Login
        with self.client_of(_TOKEN_HOST) as google:
            body = {"grant_type": _GRANT, "assertion": statement_of(self.key, datetime.now(UTC))}
            answer = google.post(_TOKEN_PATH, body, form=True)
        return f"Bearer {read(answer, Token, _TOKEN_PATH).access_token}"


def statement_of(key: str, now: datetime) -> str:
    """Sign what Google gives a token for. `key`: the JSON file of a service account. Raises Fault."""
    try:
        account: Any = json.loads(key)
        claims = {"iss": account["client_email"], "scope": _SCOPE, "aud": _TOKEN_HOST + _TOKEN_PATH}
        return jwt.encode({**claims, "iat": now, "exp": now + _LIFETIME}, account["private_key"], algorithm="RS256")
    except (ValueError, TypeError, KeyError, jwt.PyJWTError):
        words = "This is no key of a service account: it is the JSON file that Google Cloud gives, with a private_key."
        # What went wrong may hold a part of the key.
        raise Fault(FaultCode.UNAUTHORIZED, words) from None


def _url(config: Mapping[str, str]) -> str:
    return config["url"]


def _open(opened: Opened) -> Fetcher:
    login = ByServiceAccount(opened.secret.get("secret", ""), opened.client_of)
    api = AirflowApi(opened.client, login)
    return AirflowFetcher(opened, api, opened.config.get("namespace") or "default", recipe_of_form(opened.config))


COMPOSER: Final = Room(System.COMPOSER, _FIELDS, _url, _open, HINTS)
