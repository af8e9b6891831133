"""Jobs and connections are found by the words of their names, runs by their ids; the nearest first; nothing that was
removed; and by indexes."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from connections.models import Connection
from lineage.database.keyset import NEWEST_RUN_OF_ALL_FIRST, Cursor
from lineage.models import Content, Job, Run
from lineage.search.index import by_index
from lineage.search.query import LONGEST_WORD, NEAREST_FIRST, Search
from lineage.search.words import WORD, parts_of
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import READER, Sender, make_sender
from tests.lineage.settling import save_runs

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def connect(name: str = "Airflow", **fields: Any) -> Connection:
    return Connection.objects.create(name=name, type="airflow", created_at=NOW, **fields)


def add_jobs(connection: Connection, *names: str, **fields: Any) -> list[Job]:
    jobs = (Job(connection=connection, id=uuid.uuid4(), name=name, **{"namespace": "n", **fields}) for name in names)
    return Job.objects.bulk_create(jobs)


def add_run(connection: Connection, **fields: Any) -> Run:
    [job] = add_jobs(connection, "job")
    times = {"first_event_at": NOW, "last_event_at": NOW, "event_count": 1}
    [run] = save_runs([Run(connection=connection, job=job, **{"id": uuid.uuid4(), **times, **fields})])
    return run


def jobs(text: str, near: Connection | None = None, size: int = 50) -> list[str]:
    return [job.name for job in Search.read(text, READER, str(near.pk) if near else "").page_of_jobs(None, size).rows]


@pytest.mark.parametrize(
    ("name", "found", "not_found"),
    [
        (
            "shop.load_orders",
            ["ord", "load ord", "ORD load", "shop.load_orders", "load_ord", "s l o", "Load.Orders", " orders\0 "],
            ["rders", "load x", "loadorders", "orders2", "shopload", "'", "-- ;", ""],
        ),
        ("dbt_project.staging.stg_orders", ["stg ord", "dbt", "project staging", "stg_o"], ["staging2", "dbtproject"]),
        ("CamelCaseJob", ["camel", "case job", "camelcasej", "CamelCase", "JOB"], ["amel", "casejob"]),
        ("HTTPServerV2", ["http", "server", "v2", "ServerV2", "2", "httpserverv2"], ["v3", "tp"]),
        ("s3://bucket/path-2026", ["s3://bucket/path-2026", "bucket", "s3", "path 2026", "s", "202"], ["s4", "ucket"]),
        ("Übersicht.größe", ["übersicht", "Größ", "ÜBER"], ["bersicht", "ubersicht"]),
        ("集計.テスト🚀", ["集計", "テスト", "テスト🚀"], ["計"]),
        ("a" * 2048, ["a" * 200, "aaa"], ["b"]),
        ("_._", [], ["_", "."]),
        ("O'Brien's \\job", ["brien", "o'brien's \\job"], ["x'y"]),
    ],
)
def test_each_word_begins_a_part_of_the_name(name: str, found: list[str], not_found: list[str]) -> None:
    add_jobs(connect(), name, namespace="zzz")
    assert [text for text in found if jobs(text) != [name]] == []
    assert [text for text in not_found if jobs(text) != []] == []


def test_words_of_the_namespace_count_too_behind_those_of_the_name() -> None:
    add_jobs(connect(), "daily", namespace="finance://db:5432")
    add_jobs(connect("Other"), "daily_finance", "daily_more")
    assert jobs("daily fin") == ["daily_finance", "daily"]
    assert jobs("5432") == ["daily"]


def test_the_nearest_come_first_then_failing_and_recent_ones() -> None:
    connection = connect()
    hours = timedelta(hours=1)
    add_jobs(connection, "late_load", latest_run_at=NOW - hours, latest_run_state="COMPLETED")
    add_jobs(connection, "early_load", latest_run_at=NOW - 9 * hours, latest_run_state="COMPLETED")
    add_jobs(connection, "failing_load", latest_run_at=NOW - 99 * hours, latest_run_state="FAILED")
    add_jobs(connection, "never_load", "load_begins", "dag.load_inside")
    add_jobs(connection, "dag.load", latest_run_at=NOW, latest_run_state="COMPLETED")
    add_jobs(connection, "Load", latest_run_at=NOW - hours)
    found = jobs("load")
    assert found[:2] == ["dag.load", "Load"]
    assert sorted(found[2:4]) == ["dag.load_inside", "load_begins"]
    assert found[4:] == ["failing_load", "late_load", "early_load", "never_load"]


def test_jobs_of_the_connection_at_hand_come_first_but_for_a_whole_name() -> None:
    here, there = connect("Here"), connect("There")
    add_jobs(here, "my_orders_daily")
    add_jobs(there, "orders_daily", "orders")
    assert jobs("orders", here) == ["orders", "my_orders_daily", "orders_daily"]
    assert jobs("orders", there) == ["orders", "orders_daily", "my_orders_daily"]
    assert Search.read("x", READER, "no id").near is None


def test_pages_hold_each_job_once() -> None:
    names = {f"load_{number}" for number in range(25)}
    add_jobs(connect(), *names, latest_run_at=NOW)
    search, seen = Search.read("load", READER), []
    cursor: Cursor | None = None
    while True:
        page = search.page_of_jobs(cursor, 10)
        seen.append([job.name for job in page.rows])
        if not page.has_next:
            break
        assert page.next
        cursor = Cursor.decode(page.next.encode())
    assert [len(rows) for rows in seen] == [10, 10, 5]
    assert {name for rows in seen for name in rows} == names
    back = search.page_of_jobs(page.previous, 10)
    assert [job.name for job in back.rows] == seen[1]
    for values in (["x", NOW.isoformat(), str(uuid.uuid4())], [str(2**31), NOW.isoformat(), str(uuid.uuid4())], ["1"]):
        with pytest.raises(ValueError, match=r".*"):
            search.page_of_jobs(Cursor(False, values), 10)


def test_connections_are_found_by_their_names() -> None:
    for name in ("Airflow production", "Airflow EU (prod)", "dbt"):
        connect(name)
    connect("Airflow gone", removed_at=NOW)
    assert [one.name for one in Search("air", READER).connections(8)] == ["Airflow EU (prod)", "Airflow production"]
    assert [one.name for one in Search("prod eu", READER).connections(8)] == ["Airflow EU (prod)"]
    assert [one.name for one in Search("airflow", READER).connections(1)] == ["Airflow EU (prod)"]
    assert Search("", READER).connections(8) == Search("!", READER).connections(8) == []


def test_a_run_is_found_by_its_whole_id() -> None:
    one, two = connect("One"), connect("Two")
    run = add_run(one)
    twin = add_run(two, id=run.id, last_event_at=NOW + timedelta(hours=1))
    add_run(connect("Gone", removed_at=NOW), id=run.id)
    for text in (str(run.id), str(run.id).upper(), run.id.hex, f" {run.id}\n"):
        assert [found.connection_id for found in Search.read(text, READER).runs(8)] == [
            twin.connection_id,
            run.connection_id,
        ]
    assert Search.read(str(run.id), READER).runs(8)[0].shown_state == "UNKNOWN"
    assert Search.read(str(run.id)[:-1], READER).runs(8) == []


def test_a_run_is_found_by_the_ids_that_its_sender_gives_it() -> None:
    named = add_run(connect("One"), external_id="manual__2026-03-02T12:00:00")
    query = add_run(connect("Two"), external_query_id="01b2-query")
    add_run(connect("Gone", removed_at=NOW), external_id="manual__2026-03-02T12:00:00")
    assert [run.id for run in Search.read("manual__2026-03-02T12:00:00", READER).runs(8)] == [named.id]
    assert [run.id for run in Search.read("01b2-query", READER).runs(8)] == [query.id]
    assert Search.read("manual__2026-03-02", READER).runs(8) == Search.read("", READER).runs(8) == []


def test_runs_are_found_by_what_their_orchestrator_calls_them_the_latest_first() -> None:
    midnight = "scheduled__2026-03-02T00:00:00+00:00"
    late, early, other = (
        add_run(connect(name), orchestrator_run_id=midnight, first_event_at=NOW + timedelta(hours=hours))
        for name, hours in (("One", 2), ("Two", 1), ("Three", 3))
    )
    assert [run.id for run in Search.read(f" {midnight}", READER).runs(8)] == [other.id, late.id, early.id]
    assert [run.id for run in Search.read(midnight, READER).runs(1)] == [other.id]
    Connection.objects.filter(pk=other.connection_id).update(removed_at=NOW)
    assert [run.id for run in Search.read(midnight, READER).runs(8)] == [late.id, early.id]
    assert Search.read(midnight[:-1], READER).runs(8) == []
    assert Search.read("m" * 250, READER).text == "m" * 250


def test_a_run_that_was_sent_twice_is_found_by_name_once() -> None:
    name = str(uuid.uuid4())
    both = {"orchestrator_run_id": name, "invocation_id": uuid.UUID(name)}
    first = add_run(connect(), **both)
    times = {"first_event_at": NOW + timedelta(hours=1), "last_event_at": NOW + timedelta(hours=1), "event_count": 1}
    again = Run(connection=first.connection, job=first.job, id=uuid.uuid4(), **times, **both)
    save_runs([again])
    assert [run.id for run in Search.read(name, READER).runs(8)] == [first.id]
    assert [run.id for run in Search.read(str(again.id), READER).runs(8)] == [again.id]


def test_a_run_is_found_once_by_all_that_it_is_called() -> None:
    id_ = uuid.uuid4()
    run = add_run(connect(), id=id_, external_query_id=str(id_), orchestrator_run_id=str(id_))
    assert Search.read(str(id_), READER).runs(8) == [run]


def test_what_a_removed_connection_left_is_not_found() -> None:
    add_jobs(connect("Gone", removed_at=NOW), "orders")
    add_jobs(connect("Kept"), "orders_too")
    assert jobs("orders") == ["orders_too"]


def test_jobs_that_events_make_are_found(sender: Sender) -> None:
    sender.send(run_event("START", job="shop.load_orders"))
    assert jobs("load") == ["shop.load_orders"]


# Of all that matters to the rules: cases, digits, punctuation, letters beyond ASCII. Their lower case has one form.
@given(st.text(alphabet="abXYZ019 _.-/:@'\\\x01\x7f\x80éÉ漢🚀", max_size=40))
def test_the_database_cuts_words_as_python_does(name: str) -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(lineage_words(%s, ''))", [name])
        [(cut,)] = cursor.fetchall()
    words = WORD.findall(name)
    expected = {word.lower() for word in words} | {part for word in words for part in parts_of(word)}
    assert set(cut) == {word[:LONGEST_WORD] for word in expected}


def test_both_are_found_by_their_indexes() -> None:
    connection = connect()
    add_jobs(connection, *(f"load_{number}" for number in range(200)))
    run = add_run(connection, external_id="mine")
    with database.cursor() as cursor, by_index():
        cursor.execute("ANALYZE lineage_job")
        # Even where nearly all jobs have the word.
        assert "lineage_job_words" in NEAREST_FIRST.ordered(Search("load", READER).places_of_jobs(), None)[:9].explain()
        by_sender = Run.objects.filter(external_id=run.external_id)
        assert "lineage_run_by_external_id" in by_sender.explain()
        assert "lineage_run_by_external_query_id" in Run.objects.filter(external_query_id="mine").explain()
        called = Run.objects.filter(connection_id=connection.pk, orchestrator_run_id="mine")
        plan = NEWEST_RUN_OF_ALL_FIRST.ordered(called, None)[:9].explain()
        assert "lineage_run_by_orchestrator_run_id" in plan
        assert "Sort" not in plan


# --- Datasets and columns


def schema(*names: str, **types: str) -> dict[str, Any]:
    return {"fields": [{"name": name, "type": types.get(name, "int")} for name in names]}


def found_columns(text: str) -> list[tuple[str, str]]:
    return [(one.dataset.name, one.path) for one in Search.read(text, READER).datasets_and_columns(50)[1]]


def found_datasets(text: str) -> list[str]:
    return [one.name for one in Search.read(text, READER).datasets_and_columns(50)[0]]


def test_datasets_are_found_by_words_of_their_names(sender: Sender) -> None:
    tables = [dataset(name) for name in ("shop.orders", "shop.order_lines", "orders", "raw.customers")]
    sender.send(run_event(outputs=tables))
    assert found_datasets("orders") == ["orders", "shop.orders"]
    assert found_datasets("lines ord") == ["shop.order_lines"]
    assert len(found_datasets("warehouse")) == 4
    assert found_datasets("rders") == found_datasets("") == []


def test_a_dataset_of_two_connections_is_found_once(sender: Sender) -> None:
    for one in (sender, make_sender()):
        one.send(run_event(outputs=[dataset("orders", schema=schema("id"))]))
    assert found_datasets("orders") == ["orders"]
    assert found_columns("id") == [("orders", "id")]


def test_columns_are_found_in_current_schemas_alone(sender: Sender) -> None:
    gone, now = (dataset("orders", schema=schema(*names)) for names in (("old_price", "id"), ("NetAmount", "id")))
    sender.send(run_event("COMPLETE", outputs=[gone]))
    assert found_columns("price") == [("orders", "old_price")]
    sender.send(run_event("COMPLETE", "2026-11-20T15:00:00Z", run=str(uuid.UUID(int=2)), outputs=[now]))
    assert found_columns("price") == []
    assert found_columns("amount net") == found_columns("netam") == [("orders", "NetAmount")]
    # Both words are in the schema, and in no column.
    assert found_columns("amount id") == []


def test_fields_inside_columns_are_found(sender: Sender) -> None:
    inner = {"fields": [{"name": "address", "fields": [{"name": "zip_code"}]}]}
    sender.send(run_event(outputs=[dataset("people", schema=inner)]))
    assert found_columns("zip") == [("people", "address.zip_code")]


def test_columns_of_this_very_name_come_first(sender: Sender) -> None:
    sender.send(run_event(outputs=[dataset("a", schema=schema("amount_net")), dataset("b", schema=schema("Amount"))]))
    assert found_columns("amount") == [("b", "Amount"), ("a", "amount_net")]


def test_datasets_of_removed_connections_are_not_found(sender: Sender) -> None:
    sender.send(run_event(outputs=[dataset("orders", schema=schema("id"))]))
    sender.connection.removed_at = NOW
    sender.connection.save()
    assert found_datasets("orders") == []
    assert found_columns("id") == []


def test_datasets_and_columns_are_found_by_their_indexes(sender: Sender) -> None:
    sender.send(run_event(outputs=[dataset("orders", schema=schema("net_amount"))]))
    with CaptureQueriesContext(database) as queries:
        assert found_datasets("orders")
        assert found_columns("amount")
    wanted = [query["sql"] for query in queries if "lineage_words" in query["sql"]]
    with by_index(), database.cursor() as cursor:
        plans = ""
        for sql in wanted:
            cursor.execute(f"EXPLAIN {sql}".replace("%", "%%"))
            plans += str(cursor.fetchall())
    assert "lineage_dataset_words" in plans
    assert "lineage_content_words" in plans


def test_a_schema_of_any_size_is_stored(sender: Sender) -> None:
    """The index of words takes so many bytes; names beyond are not found, and nothing is lost."""
    names = [f"column_{number}_{'long' * 50}" for number in range(10_000)]
    sender.send(run_event(outputs=[dataset("wide", schema=schema(*names)), dataset("nul", schema=schema("a\0b"))]))
    assert found_columns("column 0") == [("wide", names[0])]
    assert Content.objects.count() == 2
