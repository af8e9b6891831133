"""Pages and the API are sent compressed to those who take that, and stay cheap to ask for again."""

import gzip
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.test import Client

from connections.models import Connection
from tests.house.routes import NOW
from tests.lineage.build import at, run_event
from tests.lineage.conftest import make_sender

pytestmark = pytest.mark.django_db
ACCEPT = {"Accept-Encoding": "gzip, br"}


@pytest.fixture(autouse=True)
def connection() -> Connection:
    return Connection.objects.create(name="Production", type="airflow", created_at=NOW)


@pytest.mark.parametrize("path", ["/connections", "/runs", "/api/v1/connections", "/api/v1/schema"])
def test_as_a_reader_gets_it(as_viewer: Client, path: str) -> None:
    plain = as_viewer.get(path)
    packed = as_viewer.get(path, headers=ACCEPT)
    assert "Content-Encoding" not in plain.headers
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) < 0.6 * len(plain.content)
    assert gzip.decompress(packed.content)[:100] == plain.content[:100]


def test_a_region_that_is_the_same_is_not_sent_again(as_viewer: Client) -> None:
    region = {**ACCEPT, "HX-Request": "true", "HX-Target": "connection-list"}
    first = as_viewer.get("/connections", headers=region)
    assert first["ETag"].startswith("W/")
    again = as_viewer.get("/connections", headers={**region, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Connection.objects.create(name="Another", type="dbt", created_at=NOW)
    assert as_viewer.get("/connections", headers={**region, "If-None-Match": first["ETag"]}).status_code == 200


def test_time_that_passes_alone_changes_no_etag(as_viewer: Client) -> None:
    """`5 min ago` becomes `6 min ago` in the browser."""
    region = {"HX-Request": "true", "HX-Target": "runs"}
    sender = make_sender()
    sender.send(run_event("START", at(0)), run_event("COMPLETE", at(60)))

    def etag(moment: datetime) -> str:
        with time_machine.travel(moment, tick=False):
            response = as_viewer.get("/runs?range=7d", headers=region)
        assert response.status_code == 200
        return str(response["ETag"])

    first = etag(NOW)
    assert etag(NOW + timedelta(hours=2)) == first
    sender.send(run_event("START", at(300), run=str(UUID(int=2))))
    assert etag(NOW) != first
