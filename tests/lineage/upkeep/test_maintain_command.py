"""`manage.py maintain`: once, or until it is stopped; beside others of its kind, and killed, which takes processes."""

import runpy
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import transaction

from connections import actions
from connections.models import Connection
from lineage.models import Event, Job, Run
from lineage.upkeep.partitions import DEFAULT, name_of_week, partition_names
from tests.lineage.commands import ROOT, Start, commands
from tests.lineage.stored import WEEK, drop_weeks_older_than, is_stored, make_week, store, store_many, this_monday
from tests.waiting import wait_until

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = str(ROOT / "observability" / "settings.py")


def drop_a_partition() -> str:
    name = max(partition_names() - {DEFAULT})
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")
    return name


def remove_a_connection() -> None:
    connection = actions.create_connection(name="leaving", type="dbt", created_by=None, now=NOW)
    actions.end_connection(connection=connection, now=NOW)


@pytest.fixture
def start_command() -> Iterator[Start]:
    with commands() as start:
        yield start


@pytest.fixture
def make_old(transactional_db: None) -> Iterator[Callable[[], None]]:
    """Fills old weeks and the default partition with what is to go, some that is to stay, and a connection's runs."""

    def make() -> None:
        monday = this_monday() - 20 * WEEK
        for n in range(20):
            make_week(monday - n * WEEK)
            store(monday - n * WEEK + DAY)
        store_many(8_000, datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC) - 100 * DAY)
        store_many(100, datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC) - 80 * DAY)
        connection = actions.create_connection(name="old", type="dbt", created_by=None, now=NOW)
        with database.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO lineage_run (
                    connection_id, id, run_id, external_id, job_id, active, first_event_at, last_event_at, event_count,
                    parent_job_namespace, parent_job_name, root_job_namespace, root_job_name, external_query_id
                )
                SELECT %s, gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid(), true, now() - interval '1 year',
                    now() - interval '1 year', 1, '', '', '', '', ''
                FROM generate_series(1, 3000)
                """,
                [connection.pk],
            )

    yield make
    drop_weeks_older_than((this_monday() - 6 * WEEK).date())


def assert_only_young_is_left() -> None:
    assert Event.objects.count() == 100
    assert min(partition_names() - {DEFAULT}) >= name_of_week((this_monday() - 20 * WEEK).date() + WEEK)
    assert not Run.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_once_it_makes_partitions_and_sweeps_removed_connections() -> None:
    name = drop_a_partition()
    remove_a_connection()
    call_command("maintain")
    assert name in partition_names()
    assert not Connection.objects.exists()


@pytest.fixture(autouse=True)
def restored_signals() -> Iterator[None]:
    """The command ends with its process; here its handlers would stay."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_on_until_it_is_told_to_stop(start_command: Start, number: int) -> None:
    remove_a_connection()
    running = start_command("maintain", "--every", "0.1")
    wait_until(lambda: not Connection.objects.exists())
    remove_a_connection()
    wait_until(lambda: not Connection.objects.exists())
    running.process.send_signal(number)
    assert "Traceback" not in running.ended_well()


@pytest.mark.django_db(transaction=True)
def test_a_stop_does_not_wait_for_the_next_round(start_command: Start) -> None:
    remove_a_connection()
    running = start_command("maintain", "--every", "3600")
    wait_until(lambda: not Connection.objects.exists())
    running.process.terminate()
    running.ended_well()


@pytest.mark.django_db
def test_it_survives_a_database_that_is_away(start_command: Start) -> None:
    running = start_command("maintain", "--every", "0.1", url="postgresql://nobody@127.0.0.1:1/none")
    wait_until(lambda: running.said.count("maintenance_failed") >= 6)
    assert running.process.poll() is None
    running.process.terminate()
    running.ended_well(10)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_an_interval_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(CommandError):
        call_command("maintain", "--every", seconds)


def test_it_drops_what_is_old(make_old: Callable[[], None]) -> None:
    make_old()
    call_command("maintain")
    assert_only_young_is_left()


@pytest.mark.django_db(transaction=True)
def test_how_old_is_said_in_the_environment(start_command: Start) -> None:
    event = store(datetime(1970, 1, 1, tzinfo=UTC), received_at=datetime.now(UTC) - 40 * DAY)
    call_command("maintain")
    start_command("maintain", EVENT_RETENTION_DAYS="41").ended_well()
    assert is_stored(event)
    start_command("maintain", EVENT_RETENTION_DAYS="39").ended_well()
    assert not is_stored(event)
    refused = start_command("maintain", EVENT_RETENTION_DAYS="36501")
    assert refused.process.wait(20) == 1
    assert "EVENT_RETENTION_DAYS" in refused.said


def test_how_old_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The effects are those of `settings.EVENT_RETENTION_DAYS` in test_retention_events.py."""
    monkeypatch.setenv("EVENT_RETENTION_DAYS", "0")
    assert runpy.run_path(SETTINGS)["EVENT_RETENTION_DAYS"] == 0
    for wrong, said in (("-1", "EVENT_RETENTION_DAYS"), ("36501", "EVENT_RETENTION_DAYS"), ("soon", "soon")):
        monkeypatch.setenv("EVENT_RETENTION_DAYS", wrong)
        with pytest.raises((ValueError, ImproperlyConfigured), match=said):
            runpy.run_path(SETTINGS)


def test_killed_at_any_moment_it_is_finished_by_the_next(make_old: Callable[[], None], start_command: Start) -> None:
    make_old()
    left = []
    for progress in (lambda: len(partition_names()) < 25, lambda: Event.objects.count() < 8_000, lambda: True):
        killed = start_command("maintain", "--every", "0.1")
        wait_until(progress)
        killed.kill()
        left.append((len(partition_names()), Event.objects.count(), Run.objects.count()))
        assert Event.objects.filter(received_at__gte=datetime.now(UTC) - 90 * DAY).count() == 100
    assert left == sorted(left, reverse=True)
    assert left[0] > (11, 100, 0)
    call_command("maintain")
    assert_only_young_is_left()


def test_several_at_once_do_it_together(make_old: Callable[[], None], start_command: Start) -> None:
    make_old()
    several = [start_command("maintain") for _ in range(3)]
    for one in several:
        assert "Traceback" not in one.ended_well()
    call_command("maintain")
    assert_only_young_is_left()


def test_one_task_that_fails_does_not_keep_the_others(transactional_db: None, start_command: Start) -> None:
    name = drop_a_partition()
    remove_a_connection()
    with transaction.atomic():
        # A long report over all events: no partition can be made.
        assert Event.objects.count() == 0
        failed = start_command("maintain")
        assert failed.process.wait(30) == 1
        assert "Failed: partitions." in failed.said
        assert not Connection.objects.exists()
    call_command("maintain")
    assert name in partition_names()


@pytest.mark.django_db
def test_sessions_that_ended_go() -> None:
    now = datetime.now(UTC)
    for key, ends in (("ended", now - DAY), ("going on", now + DAY)):
        Session.objects.create(session_key=key, session_data="", expire_date=ends)
    call_command("maintain")
    assert [session.session_key for session in Session.objects.all()] == ["going on"]


@pytest.mark.django_db(transaction=True)
def test_compose_runs_it_for_good(start_command: Start) -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    program, script, *arguments = services["maintain"]["command"]
    assert (program, script) == ("python", "manage.py")
    assert services["maintain"]["restart"] == "unless-stopped"
    assert "EVENT_RETENTION_DAYS" in services["maintain"]["environment"]
    remove_a_connection()
    running = start_command(*arguments)
    wait_until(lambda: not Connection.objects.exists())
    assert running.process.poll() is None
