"""Rows in the operators' site: each can be found and opened, none can be changed."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection as database
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections.models import Connection
from lineage.admin import FirstPages
from lineage.models import Activity, Dataset, Edge, Event, Job, Run
from tests.lineage.dataset_rows import save_dataset

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
MODELS = (Event, Job, Run, Dataset, Edge, Activity)
SHARED = uuid.UUID(int=7)


@pytest.fixture
def client(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def make_rows(name: str, count: int = 1) -> Connection:
    """Create a connection with `count` rows in each table. Runs, events and datasets have equal ids in each
    connection."""
    connection = Connection.objects.create(name=name, type="airflow", created_at=NOW)
    for number in range(count):
        id_ = uuid.UUID(int=7 + number)
        job = Job.objects.create(
            connection=connection, id=uuid.uuid4(), namespace="prod", name=f"{name} job {number}", described_at=NOW
        )
        times = {"first_event_at": NOW, "last_event_at": NOW}
        Run.objects.bulk_create([Run(connection=connection, id=id_, run_id=id_, job=job, event_count=1, **times)])
        Event.objects.bulk_create(
            Event(
                connection=connection,
                event_time=NOW + timedelta(hours=hour),
                id=id_,
                received_at=NOW,
                kind="RUN",
                event_type="START",
                subject_id=id_,
                body_bytes=1,
                body=f'{{"from": "{name}", "hour": {hour}, "text": "<script>"}}',
            )
            for hour in (0, 1)
        )
        save_dataset(connection, f"{name} table", id=id_)
        Edge.objects.create(
            connection=connection,
            id=uuid.uuid4(),
            job=job,
            dataset_id=id_,
            direction="READS",
            first_event_hour=NOW,
            last_event_hour=NOW,
        )
    Activity.objects.create(connection=connection, first_event_at=NOW, last_event_at=NOW)
    return connection


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:lineage_{model._meta.model_name}_changelist")


def links(html: str, model: type[Model]) -> list[str]:
    """Return the targets of the links in a list."""
    return re.findall(rf'<th class="field-[^"]*"><a href="({list_url(model)}[^"]+/change/[^"]*)"', html)


@pytest.mark.parametrize("model", MODELS)
def test_each_row_of_a_list_opens_and_is_the_one_that_was_clicked(client: Client, model: type[Model]) -> None:
    first, second = make_rows("first"), make_rows("second")
    html = client.get(list_url(model)).content.decode()
    found = links(html, model)
    assert len(found) == len(set(found)) == model._default_manager.count()
    shown = []
    for link in found:
        answer = client.get(link)
        assert answer.status_code == 200
        assert 'name="_save"' not in answer.content.decode()
        shown.append(answer.context["original"].connection_id)
    assert sorted(shown) == sorted(model._default_manager.values_list("connection_id", flat=True))
    assert set(shown) == {first.id, second.id}


def test_an_event_is_shown_as_it_was_received_at_its_own_time(client: Client) -> None:
    make_rows("first")
    make_rows("second")
    texts = []
    for link in links(client.get(list_url(Event)).content.decode(), Event):
        html = client.get(link).content.decode()
        texts += re.findall(r"&quot;from&quot;: &quot;(\w+)&quot;, &quot;hour&quot;: (\d)", html)
        assert "&lt;script&gt;" in html
    assert sorted(texts) == [("first", "0"), ("first", "1"), ("second", "0"), ("second", "1")]


def test_a_long_document_is_cut(client: Client) -> None:
    connection = make_rows("first")
    Event.objects.update(body="x" * 100_010)
    [link, _] = links(client.get(list_url(Event)).content.decode(), Event)
    html = client.get(link).content.decode()
    assert "and 10 characters more" in html
    assert "x" * 100_001 not in html
    assert connection.name in html


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(client: Client, model: type[Model]) -> None:
    make_rows("first")
    [link, *_] = links(client.get(list_url(model)).content.decode(), model)
    before = list(model._default_manager.values())
    assert client.get(f"{list_url(model)}add/").status_code == 403
    assert client.post(link, {"name": "changed"}).status_code == 403
    delete = re.sub(r"/change/.*", "/delete/", link)
    assert client.post(delete, {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [str(row["id"]) for row in before if "id" in row]}
    client.post(list_url(model), action | {"post": "yes"})
    assert list(model._default_manager.values()) == before


@pytest.mark.parametrize("model", [Event, Run, Dataset])
@pytest.mark.parametrize(
    "address", ["x", "7", f"{SHARED}", f"{SHARED}:{SHARED}", f"{SHARED}:{SHARED}:2026-03-02", ":::", f"{SHARED}:x:x"]
)
def test_an_address_that_is_none_leads_back(client: Client, model: type[Model], address: str) -> None:
    make_rows("first")
    answer = client.get(f"{list_url(model)}{address.replace(':', '_3A')}/change/")
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))


@pytest.mark.parametrize("model", MODELS)
def test_a_list_takes_as_many_queries_for_one_row_as_for_thirty(client: Client, model: type[Model]) -> None:
    make_rows("first")
    with CaptureQueriesContext(
        database,
    ) as one:
        client.get(list_url(model))
    make_rows("second", 30)
    with CaptureQueriesContext(database) as many:
        assert client.get(list_url(model)).status_code == 200
    assert len(many) == len(one)


def test_a_list_of_events_does_not_read_their_documents(client: Client) -> None:
    make_rows("first")
    with CaptureQueriesContext(database) as queries:
        client.get(list_url(Event))
    assert not any('"lineage_event"."body"' in query["sql"] for query in queries)


@pytest.mark.parametrize(
    ("model", "term"),
    [
        (Event, str(SHARED)),
        (Run, SHARED.hex),
        (Dataset, "FIRST TAB"),
        (Dataset, str(SHARED)),
        (Job, "first job"),
        (Activity, "firs"),
    ],
)
def test_rows_are_found(client: Client, model: type[Model], term: str) -> None:
    make_rows("first")
    html = client.get(list_url(model), {"q": f" {term} "}).content.decode()
    assert links(html, model)
    html = client.get(list_url(model), {"q": "nothing like it"}).content.decode()
    assert not links(html, model)
    assert client.get(list_url(model), {"q": "a\0b"}).status_code == 200


def test_rows_are_filtered_by_connection_and_state(client: Client) -> None:
    first, _ = make_rows("first"), make_rows("second")
    for model in (Event, Job, Run, Dataset, Edge):
        html = client.get(list_url(model), {"connection__id__exact": str(first.id)}).content.decode()
        assert len(links(html, model)) == model._default_manager.filter(connection=first).count()
    Run.objects.filter(connection=first).update(active=True)
    assert len(links(client.get(list_url(Run), {"state": "RUNNING"}).content.decode(), Run)) == 1


def test_a_long_list_is_counted_up_to_a_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FirstPages, "LIMIT", 20)
    make_rows("first", 20)
    assert "20 runs" in client.get(list_url(Run)).content.decode()
    make_rows("second", 1)
    html = client.get(list_url(Run)).content.decode()
    assert "The first 20 runs" in html
    assert "21 runs" not in html


@pytest.mark.parametrize("model", MODELS)
def test_a_list_is_in_the_order_of_an_index(client: Client, model: type[Model]) -> None:
    """Sorting a table of millions for its first hundred rows would take its whole length."""
    make_rows("first", 3)
    ordering = admin.site.get_model_admin(model).ordering or ()
    with database.cursor() as cursor:
        # Of so few rows the planner would sort. With these it does only where it must.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_incremental_sort = off")
    plan = model._default_manager.order_by(*ordering)[:100].explain()
    assert re.search(r"Index (Only )?Scan", plan)
    # As a node of the plan; "Sort Key" is how a Merge Append over the partitions joins what comes sorted.
    assert not re.search(r"Sort\s+\(cost", plan), plan
