"""A dbt command that was sent again, in another form: no page and no list of the API shows more than before."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from lineage.models import Job, Run
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.replays import replayed_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_sample_events")]

SampleLines = Callable[..., list[bytes]]


@pytest.fixture
def connection(sample_lines: SampleLines) -> Connection:
    """Make a connection that sent a build in structured mode."""
    sender = make_sender()
    sender.send(*sample_lines("dbt-build-struct"))
    return sender.connection


@pytest.fixture
def send_again(connection: Connection, sample_lines: SampleLines) -> Callable[[], None]:
    def send() -> None:
        key = connection.api_keys.get()
        again = replayed_as(sample_lines("dbt-build-struct"), sample_lines("dbt-build-fail"))
        Sender(connection, key).send(*again)

    return send


def text_of(response: Any) -> str:
    assert response.status_code == 200
    html = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.mark.parametrize(
    "path",
    [
        "/connections",
        "/connections/{id}",
        "/connections/{id}?kind=TEST",
        "/connections/{id}?q=stg_orders",
        "/connections/{id}?state=NONE",
        "/connections/{id}?sort=name",
        "/connections/{id}?open={model}",
        "/connections/{id}/remove",
        "/runs",
        "/runs?kind=TEST",
        "/search?q=stg_orders+test",
    ],
)
def test_pages_say_what_they_said(
    editor: Any, client: Client, connection: Connection, send_again: Callable[[], None], path: str
) -> None:
    client.force_login(editor)
    model = Job.objects.get(name="model.shop.stg_orders").id
    url = path.format(id=connection.pk, model=model)
    before = text_of(client.get(url))
    send_again()
    assert Job.objects.filter(name="model.shop.stg_orders.test").exists()
    after = text_of(client.get(url))
    if "remove" in path:
        # All runs that go with a connection are counted, shown or not.
        before, after = (re.sub(r"\d+ runs", "", text) for text in (before, after))
    assert after == before


def test_the_pages_of_what_was_sent_again_say_where_it_is_shown(
    as_viewer: Client, connection: Connection, send_again: Callable[[], None]
) -> None:
    send_again()
    run = Run.objects.select_related("job").get(job__name="model.shop.stg_orders.test")
    page = as_viewer.get(f"/connections/{connection.pk}/runs/{run.run_id}")
    assert "Sent again This dbt command sent its tests one by one, and lists show those: " in text_of(page)
    unique = Run.objects.get(job__name__startswith="test.shop.unique_stg_orders", node_id__isnull=False)
    assert f'/runs/{unique.run_id}">test.shop.unique_stg_orders_order_id.' in page.content.decode()
    without_result = Run.objects.get(job__name="model.shop.customers.test")
    assert "sent its tests one by one, and lists show those that it sent; what came again has no result." in text_of(
        as_viewer.get(f"/connections/{connection.pk}/runs/{without_result.run_id}")
    )
    of_job = text_of(as_viewer.get(f"/connections/{connection.pk}/jobs/{run.job_id}"))
    assert (
        "dbt sent the tests of a command one by one, and again as runs of this job. Lists show the single tests."
        in of_job
    )
    assert "No runs to show" in of_job
    assert "No run yet" not in of_job
    shown = text_of(as_viewer.get(f"/connections/{connection.pk}/runs/{unique.run_id}"))
    assert "Sent again" not in shown
