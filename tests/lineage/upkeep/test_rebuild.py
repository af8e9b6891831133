"""rebuild_lineage makes of the stored events what digest made of them, whatever became of the rows since."""

import json
import random
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.utils import timezone

from connections import actions
from lineage.models import (
    Activity,
    Alias,
    Change,
    Check,
    Content,
    Dataset,
    Edge,
    Event,
    Extraction,
    Fact,
    Job,
    Measure,
    Relation,
    Run,
)
from lineage.upkeep.rebuild import copies as rebuild
from lineage.upkeep.rebuild import differences
from lineage.upkeep.rebuild.rebuild import Rebuilt, rebuild_connection
from tests.lineage.build import T0, dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.dataset_rows import save_dataset

pytestmark = pytest.mark.django_db

MODELS = (Job, Run, Dataset, Edge, Content, Fact, Alias, Change, Measure, Check, Relation, Extraction, Activity)
# What makes another value of each type that is allowed in the same column.
OTHER = {
    "text[]": "array_append({column}, 'other')",
    "uuid": "gen_random_uuid()",
    "text": "concat({column}, ' damaged')",
    "timestamp with time zone": "COALESCE({column}, now()) - interval '400 days'",
    "integer": "COALESCE({column}, 0) + 7",
    "bigint": "COALESCE({column}, 0) + 7",
    "bytea": "{column} || '\\x00'",
    "boolean": "NOT {column}",
    "uuid[]": "array_append({column}, gen_random_uuid())",
}
# Checked by the tables themselves.
ALLOWED = {
    "direction": "CASE direction WHEN 'READS' THEN 'WRITES' ELSE 'READS' END",
    "terminal_type": "CASE WHEN terminal_type = 'FAIL' THEN 'COMPLETE' WHEN terminal_type IS NOT NULL THEN 'FAIL' END",
    "ended_at": "ended_at - interval '3 days'",
    "left_families": "ARRAY[gen_random_uuid(), gen_random_uuid()]",
    "state_from_parent": "CASE state_from_parent WHEN 'FAILED' THEN 'SKIPPED' ELSE 'FAILED' END",
}


Made = Callable[..., list[Sender]]


@pytest.fixture
def make_senders(new_sender: Callable[[], Sender], sample_lines: Callable[..., list[bytes]]) -> Made:
    """Connections that sent the samples of some names, and events about jobs and datasets themselves: each in another
    order, with duplicates, in groups of all sizes."""

    def make(count: int, samples: str) -> list[Sender]:
        senders = [new_sender() for _ in range(count)]
        for seed, sender in enumerate(senders):
            chance = random.Random(seed)
            lines = sample_lines(samples) + sample_lines(samples)[:: seed + 2] + OTHER_KINDS
            chance.shuffle(lines)
            while lines:
                size = chance.randint(1, 40)
                sender.send(*lines[:size], now=timezone.now())
                lines = lines[size:]
        return senders

    return make


@pytest.fixture
def senders(make_senders: Made) -> list[Sender]:
    """Senders of all samples."""
    return make_senders(2, "*")


@pytest.fixture
def few(make_senders: Made) -> list[Sender]:
    """Two, of some."""
    return make_senders(2, "dbt-build-fail")


def renamed(number: int) -> dict[str, Any]:
    """A dataset that has another name, and had one before."""
    before = {"namespace": "warehouse", "name": f"old {number}"}
    return dataset(
        f"new {number}",
        symlinks={"identifiers": [{"namespace": "hive", "name": f"new_{number}", "type": "TABLE"}]},
        lifecycleStateChange={"lifecycleStateChange": "RENAME", "previousIdentifier": before},
        dataQualityMetrics={"rowCount": number},
    )


INCOMPLETE = {
    "extractionError": {"totalTasks": 2, "failedTasks": 1, "errors": []},
    "jobDependencies": {"upstream": [{"job": {"namespace": "namespace", "name": "renames"}}]},
}
OTHER_KINDS = [
    run_event("COMPLETE", T0, run="renames", job="renames", outputs=[renamed(number) for number in range(20)]),
    *(run_event("COMPLETE", T0, run=f"part {n}", job=f"part {n}", run_facets=INCOMPLETE) for n in range(10)),
    run_event(None, T0, run="no uuid", job="odd", inputs=[dataset("\u0000")]),
    run_event("START", "9999-12-31T23:59:59Z", run="far", job="far"),
    json.dumps(
        {"eventTime": T0, "job": {"namespace": "n", "name": "described alone"}, "inputs": [dataset("d")]}
    ).encode(),
    json.dumps({"eventTime": "1970-01-01T12:00:00Z", "dataset": dataset("d", schema={"fields": []})}).encode(),
]


def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row there is, but what depends on the order of arrival by its nature."""
    found = {}
    for model in MODELS:
        values = model.objects.values(*[field.attname for field in model._meta.concrete_fields])
        found[model.__name__] = sorted(values, key=str)
    return found


def versions() -> dict[str, list[Any]]:
    """Return the place of each row, which changes each time that the row is written."""
    with database.cursor() as cursor:
        found = {}
        for model in MODELS:
            cursor.execute(f"SELECT ctid::text, xmin::text FROM {model._meta.db_table} ORDER BY 1")  # noqa: S608
            found[model.__name__] = cursor.fetchall()
    return found


def rebuild_all(senders: list[Sender]) -> list[Rebuilt]:
    return [rebuild_connection(sender.connection, clock=timezone.now) for sender in senders]


def changed(rebuilt: list[Rebuilt]) -> int:
    return sum(sum(one.changed.values()) for one in rebuilt)


def execute(statement: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement)


def columns() -> list[tuple[str, str]]:
    """Table and column of all that digest writes and that is no key."""
    return [
        (model._meta.db_table, str(field.column))
        for model in MODELS[:-1]
        for field in model._meta.concrete_fields
        if field.column not in ("connection_id", "id") and not field.generated
        # `maintain` writes them.
        if not str(field.column).startswith("usual_")
    ]


def damage(table: str, column: str, place: int) -> None:
    """Another value in this column of one row."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
            [table, column],
        )
        [(type_,)] = cursor.fetchall()
        other = ALLOWED.get(column, OTHER[type_]).format(column=column)
        # By what the row says, not by where it stands: each damage moves one.
        cursor.execute(
            f"""
            UPDATE {table} SET {column} = {other} WHERE (connection_id, id) = (
                SELECT connection_id, id FROM {table} WHERE {column} IS DISTINCT FROM {other}
                ORDER BY connection_id, id OFFSET {place} LIMIT 1
            )
            """  # noqa: S608
        )
        assert cursor.rowcount == 1, (table, column)


def test_what_is_right_is_not_touched_and_each_column_is_mended(senders: list[Sender]) -> None:
    before, places = rows(), versions()
    assert len(before["Run"]) > 100
    rebuilt = rebuild_all(senders)
    assert changed(rebuilt) == 0
    assert sum(one.events for one in rebuilt) == Event.objects.count()
    assert rows() == before
    assert versions() == places
    # Each is damaged in a row of its own: what is not looked at stays as it is.
    damaged = columns()
    assert len(damaged) > 40
    counts = Counter[str]()
    for table, column in damaged:
        damage(table, column, counts[table])
        counts[table] += 1
    assert changed(rebuild_all(senders)) == len(damaged)
    assert rows() == before


def test_rows_that_are_all_gone_come_back(senders: list[Sender]) -> None:
    before = rows()
    # The rebuild would read past rows that are deleted, until this transaction ends.
    execute(f"TRUNCATE {', '.join(model._meta.db_table for model in MODELS)}")
    rebuild_all(senders)
    after = rows()
    activity, before_activity = after.pop("Activity"), before.pop("Activity")
    assert after == before
    for ours, theirs in zip(activity, before_activity, strict=True):
        assert ours["first_event_at"] == theirs["first_event_at"]
        assert ours["last_event_at"] - theirs["last_event_at"] < timedelta(seconds=1)


def test_activity_is_mended(few: list[Sender]) -> None:
    before = Activity.objects.values().get(pk=few[0].connection.pk)
    for wrong in (
        {"first_event_at": before["first_event_at"] + timedelta(days=1)},
        {"first_event_at": before["first_event_at"] - timedelta(days=1)},
        {"last_event_at": before["last_event_at"] + timedelta(days=1)},
        {"last_event_at": before["last_event_at"] - timedelta(days=1)},
        {"first_job_name": "nobody's"},
    ):
        Activity.objects.filter(pk=few[0].connection.pk).update(**wrong)
        assert changed(rebuild_all(few)) == 1
        after = Activity.objects.values().get(pk=few[0].connection.pk)
        assert after["first_event_at"] == before["first_event_at"]
        assert before["last_event_at"] - timedelta(seconds=2) <= after["last_event_at"] <= timezone.now()
        assert after["first_job_name"] != "nobody's"


def test_rows_of_which_no_event_speaks_go_but_for_jobs_and_datasets(few: list[Sender]) -> None:
    before = rows()
    connection = few[0].connection
    job = Job.objects.create(connection=connection, id=uuid.uuid4(), namespace="n", name="nobody's", running_runs=3)
    save_dataset(connection, "nobody's")
    now = timezone.now()
    Run.objects.create(
        connection=connection,
        id=uuid.uuid4(),
        run_id=uuid.uuid4(),
        job=job,
        first_event_at=now,
        last_event_at=now,
        event_count=1,
    )
    edge = Edge.objects.filter(connection=connection).values().first()
    assert edge
    Edge.objects.create(**edge | {"id": uuid.uuid4()})
    rebuild_all(few)
    after = rows()
    assert (after["Run"], after["Edge"]) == (before["Run"], before["Edge"])
    assert len(after["Job"]) == len(before["Job"]) + 1
    assert len(after["Dataset"]) == len(before["Dataset"]) + 1
    assert Job.objects.get(pk=job.pk).running_runs == 0


def test_one_connection_alone(few: list[Sender]) -> None:
    before = rows()
    Run.objects.all().delete()
    rebuild_all(few[:1])
    of_first = [row for row in before["Run"] if row["connection_id"] == few[0].connection.pk]
    assert rows()["Run"] == of_first


def test_small_pages_and_slices_make_no_difference(few: list[Sender], monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows()
    monkeypatch.setattr(rebuild, "_EVENTS", 7)
    monkeypatch.setattr("lineage.upkeep.rebuild.rebuild.SLICE", 3)
    monkeypatch.setattr(differences, "_CHUNK", 2)
    execute("UPDATE lineage_run SET active = NOT active, started_at = NULL")
    execute("DELETE FROM lineage_edge")
    rebuild_all(few)
    assert rows() == before


def test_a_page_holds_no_more_than_its_bytes_or_one_event(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "_BYTES", 3000)
    for n, padding in enumerate([10, 10, 9000, 10, 2500, 2500]):
        sender.send(run_event("START", f"2026-11-20T12:00:0{n}Z", run=str(uuid.uuid4()), padding="x" * padding))
    pages = [[len(event.body) for event in page] for page in rebuild.pages_of_all(sender.connection.pk)]
    assert sum(map(len, pages)) == 6
    assert all(len(page) == 1 or sum(page[:-1]) < 3000 for page in pages)
    assert [len(page) for page in pages] == [3, 2, 1]


@pytest.mark.usefixtures("soon_after")
def test_digest_writes_the_real_tables_before_and_after_and_the_copy_between(sender: Sender) -> None:
    """Digest's statements are prepared; a plan must not outlive the tables for which it was made."""
    for n in range(8):
        sender.send(run_event("START", T0, run=str(uuid.uuid4()), job=f"before {n}"))
    rebuild_all([sender])
    for n in range(8):
        sender.send(run_event("START", T0, run=str(uuid.uuid4()), job=f"after {n}"))
    assert (Run.objects.count(), Job.objects.count(), Event.objects.count()) == (16, 16, 16)
    before = rows()
    Job.objects.update(name="damaged")
    assert changed(rebuild_all([sender])) == 16
    assert rows() == before
    with database.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'")
        assert cursor.fetchall() == []


def test_an_event_that_can_no_longer_be_read_is_passed_over(few: list[Sender]) -> None:
    before = rows()
    event = Event.objects.filter(connection=few[0].connection, kind="RUN").first()
    assert event
    Event.objects.create(
        connection=few[0].connection,
        event_time=event.event_time,
        id=uuid.uuid4(),
        received_at=event.received_at,
        kind="RUN",
        subject_id=uuid.uuid4(),
        body_bytes=31,
        body='{"eventTime": "by older rules"}',
    )
    first, *_ = rebuild_all(few)
    assert first.unreadable == 1
    assert rows() == before


def test_without_events_nothing_is_made(new_sender: Callable[[], Sender]) -> None:
    sender = new_sender()
    assert rebuild_all([sender]) == [Rebuilt(changed=dict.fromkeys([*rebuild.TABLES, "lineage_activity"], 0))]
    assert not Activity.objects.exists()


def test_the_command_says_what_it_did(few: list[Sender], capsys: pytest.CaptureFixture[str]) -> None:
    names = [sender.connection.name for sender in few]
    Run.objects.filter(connection=few[0].connection).update(active=False, terminal_type=None, ended_at=None)
    call_command("rebuild_lineage")
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert set(said) == set(names)
    assert "of lineage_run" in said[names[0]]
    assert said[names[1]].endswith("every row was right")
    call_command("rebuild_lineage", "--connection", str(few[1].connection.pk))
    assert capsys.readouterr().out.startswith(f"{names[1]}: ")


def test_a_connection_that_is_not_there_is_refused(sender: Sender) -> None:
    with pytest.raises(CommandError, match="no connection"):
        call_command("rebuild_lineage", "--connection", str(uuid.uuid4()))
    actions.end_connection(connection=sender.connection, now=datetime.now(UTC))
    with pytest.raises(CommandError, match="no connection"):
        call_command("rebuild_lineage", "--connection", str(sender.connection.pk))
