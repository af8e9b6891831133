"""Databricks Workflows, by the Jobs API 2.2. Made from its reference, and never seen live."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from pull.http.faults import FaultCode
from pull.sources.databricks.api import DatabricksApi, Login
from pull.sources.databricks.fetcher import DatabricksFetcher
from pull.sources.fetcher import Fetcher, Field, Opened, Room
from pull.systems import System

_FIELDS: Final = (
    Field("url", "Workspace URL", "As in your browser, up to the first slash.", "https://….cloud.databricks.com"),
    Field(
        "client_id",
        "Client id",
        "Of a service principal that may view the jobs. Leave it empty to use a personal access token.",
        required=False,
    ),
    Field("secret", "Secret or token", is_secret=True),
)
_HINTS: Final[Mapping[str, str]] = {
    FaultCode.UNAUTHORIZED: "A token or secret has ended, or is of another workspace: enter a new one.",
    FaultCode.FORBIDDEN: "The user or service principal needs CAN VIEW on the jobs.",
    FaultCode.NOT_FOUND: "Is this the URL of a workspace, without what follows the host?",
}


def _url(config: Mapping[str, str]) -> str:
    return config["url"]


def _open(opened: Opened) -> Fetcher:
    login = Login(opened.secret.get("secret", ""), opened.config.get("client_id", ""))
    host = urlsplit(_url(opened.config)).hostname or ""
    return DatabricksFetcher(opened, DatabricksApi(opened.client, login), host)


DATABRICKS: Final = Room(System.DATABRICKS, _FIELDS, _url, _open, _HINTS)
