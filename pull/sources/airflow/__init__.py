"""Airflow 3 and 2, by their REST API with a read-only user (seen with 3.3 and 2.11)."""

from collections.abc import Mapping
from typing import Final

from pull.sources.airflow.api import AirflowApi
from pull.sources.airflow.fetcher import AirflowFetcher
from pull.sources.airflow.fields import HINTS, NAMESPACE, RECIPE, URL, recipe_of_form
from pull.sources.airflow.logins import ByPassword, ByToken
from pull.sources.fetcher import Fetcher, Field, Opened, Room
from pull.systems import System

_FIELDS: Final = (
    URL,
    Field(
        "username",
        "User name",
        "A user with the role Viewer suffices. Leave it empty to sign in with a token.",
        required=False,
    ),
    Field("secret", "Password or token", is_secret=True),
    NAMESPACE,
    RECIPE,
)


def _url(config: Mapping[str, str]) -> str:
    return config["url"]


def _open(opened: Opened) -> Fetcher:
    secret, username = opened.secret.get("secret", ""), opened.config.get("username", "")
    login = ByPassword(username, secret) if username else ByToken(secret)
    api = AirflowApi(opened.client, login)
    return AirflowFetcher(opened, api, opened.config.get("namespace") or "default", recipe_of_form(opened.config))


AIRFLOW: Final = Room(System.AIRFLOW, _FIELDS, _url, _open, HINTS)
