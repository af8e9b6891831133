"""dbt Core, by the artifacts that it writes: run_results.json, manifest.json and catalog.json (seen with dbt 1.11)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from django.conf import settings

from pull.http.client import checked_url
from pull.sources.dbt.fetcher import DbtFetcher, Namespaces
from pull.sources.dbt.places import DIRECTORIES_ARE_OFF, Directory, Place, Website
from pull.sources.fetcher import Fetcher, Field, Opened, Room
from pull.systems import System

_DIRECTORIES: Final = (
    f"Or a directory below {settings.PULL_LOCAL_ROOT}, with the artifacts of many commands."
    if settings.PULL_LOCAL_ROOT
    else DIRECTORIES_ARE_OFF
)
_FIELDS: Final = (
    Field(
        "place",
        "URL of the artifacts",
        f"Of the directory with run_results.json and manifest.json. {_DIRECTORIES}",
        placeholder="https://artifacts.example.com/shop/target",
    ),
    Field(
        "secret",
        "Token",
        "For a URL that needs one. It is sent in the header Authorization: as it is if it has a space, else as Bearer.",
        is_secret=True,
        required=False,
    ),
    Field(
        "namespace",
        "OpenLineage namespace",
        "Of the jobs. If dbt-ol also sends events: its OPENLINEAGE_NAMESPACE.",
        initial="default",
    ),
    Field(
        "tables",
        "Namespace of the tables",
        "How OpenLineage names the database: snowflake://ORGANIZATION-ACCOUNT, bigquery, redshift://HOST:PORT, "
        "postgres://HOST:PORT, databricks://HOST, duckdb://PATH. So lineage joins with other senders.",
        placeholder="postgres://db.example.com:5432",
    ),
)


def _url(config: Mapping[str, str]) -> str:
    """The URL; of a directory, or of what is neither, a `file:` URL."""
    place = config["place"].strip()
    try:
        return checked_url(place)
    except ValueError:
        return f"file:///{quote(place.strip('/'))}"


def _open(opened: Opened) -> Fetcher:
    place = opened.config["place"].strip()
    found: Place
    if _url(opened.config).startswith("file:"):
        found = Directory(settings.PULL_LOCAL_ROOT, place)
    else:
        found = Website(opened.client)
        if secret := opened.secret.get("secret"):
            opened.client.headers["Authorization"] = secret if " " in secret else f"Bearer {secret}"
    return DbtFetcher(opened, found, Namespaces(opened.config["namespace"], opened.config["tables"].strip()))


def _checked_place(text: str) -> str:
    """Raises ValueError for a URL that is none, and for a directory if they are off."""
    if "://" in text:
        return checked_url(text)
    if not settings.PULL_LOCAL_ROOT:
        raise ValueError(DIRECTORIES_ARE_OFF)
    return text.strip()


DBT: Final = Room(System.DBT, _FIELDS, _url, _open, checks={"place": _checked_place})
