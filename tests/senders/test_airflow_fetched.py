"""Real Airflows that are fetched from, by a user who may only read, compared with their own metadata databases.

Each Airflow pushes its events to another connection, which is fetched for, too, once all has ended.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from cryptography.fernet import Fernet

from tests.senders.airflow import NAMESPACE, Airflow, running_airflow
from tests.senders.airflow_comparison import (
    STATES,
    Shown,
    differences,
    of_dag_run,
    of_earlier_try,
    of_no_worker,
    of_task,
)
from tests.senders.airflow_record import Record
from tests.senders.airflow_scenario import play
from tests.senders.airflow_shown import Observatory, running_observatory
from tests.senders.airflow_viewer import VIEWER, ViewedAirflow, ViewedAirflow2

# Airflow's API tells the last check of a sensor alone.
_MANY_CHECKS = "rescheduled.look"
_SET_UP = """
import json
from django.utils import timezone
from connections.models import Connection
from pull.actions import set_up_source
config, secret, connection = json.loads({values!r})
set_up_source(
    connection=Connection.objects.get(pk=connection),
    system="airflow",
    config=config,
    secret=secret,
    created_by=None,
    now=timezone.now(),
)
"""


@dataclass
class Played:
    record: Record
    # Fetched once all had ended; and pushed, and fetched then.
    fetched: Shown
    both: Shown
    outcomes: list[tuple[str, dict[str, int]]]


def _set_up(observatory: Observatory, airflow: Airflow, connection_id: UUID) -> None:
    assert isinstance(airflow, ViewedAirflow | ViewedAirflow2)
    config = {"url": airflow.url, "username": VIEWER, "namespace": NAMESPACE}
    values = json.dumps([config, {"secret": airflow.password}, str(connection_id)])
    observatory.database.manage("shell", "--no-imports", "--command", _SET_UP.format(values=values))


@contextmanager
def _fetching_again_and_again(observatory: Observatory) -> Iterator[None]:
    """Fetch the whole time, as if each second were a minute."""
    stop = threading.Event()

    def fetch() -> None:
        while not stop.wait(1):
            with psycopg.connect(observatory.database.url, autocommit=True) as connection:
                connection.execute("UPDATE pull_pullsource SET next_at = now()")
            observatory.database.manage("pull", "--once")

    thread = threading.Thread(target=fetch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module", params=[ViewedAirflow, ViewedAirflow2])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    directory = tmp_path_factory.mktemp("fetched")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRETS_KEY", Fernet.generate_key().decode())
        patch.setenv("PULL_ALLOWED_HOSTS", "127.0.0.1")
        with running_observatory(directory) as observatory:
            with running_airflow(directory, observatory.transport, request.param) as airflow:
                [(throughout, _), (afterwards, _)] = observatory.database.add_senders(["Throughout", "Afterwards"])
                airflow.await_that(airflow.is_up, "Airflow's API", seconds=120)
                _set_up(observatory, airflow, throughout)
                with _fetching_again_and_again(observatory):
                    play(airflow)
                _set_up(observatory, airflow, afterwards)
                _set_up(observatory, airflow, observatory.connection_id)
                observatory.database.manage("pull", "--once")
                record = Record.of(airflow)
            yield Played(
                record,
                Shown(observatory.runs(afterwards)),
                Shown(observatory.runs()),
                _outcomes(observatory),
            )


def _outcomes(observatory: Observatory) -> list[tuple[str, dict[str, int]]]:
    with psycopg.connect(observatory.database.url) as connection:
        rows = connection.execute("SELECT outcome || ' ' || reason, problems FROM pull_syncrun").fetchall()
    return [(outcome, problems) for outcome, problems in rows]


def test_every_sync_was_complete(played: Played) -> None:
    assert {(outcome, json.dumps(problems)) for outcome, problems in played.outcomes} == {("ok ", "{}")}


@pytest.mark.parametrize("way", ["fetched", "both"])
def test_dag_runs(played: Played, way: str) -> None:
    shown: Shown = getattr(played, way)
    runs = played.record.dag_runs
    assert len(runs) > 20
    assert differences((run.dag_id, of_dag_run(run), shown.reported(run.id)) for run in runs) == {}


@pytest.mark.parametrize("way", ["fetched", "both"])
def test_task_instances(played: Played, way: str) -> None:
    shown: Shown = getattr(played, way)
    tasks = [task for task in played.record.task_instances if task.had_worker and task.state in STATES]
    found = differences((task.job, of_task(task), shown.reported(task.id)) for task in tasks)
    assert len(tasks) > 40
    # Of a task whose state somebody set later, the event has the time of that.
    assert found.keys() <= {_MANY_CHECKS, "task_marked_successful.broken"}, (os.getloadavg(), found)


@pytest.mark.parametrize("way", ["fetched", "both"])
def test_tasks_without_a_worker(played: Played, way: str) -> None:
    shown: Shown = getattr(played, way)
    # Airflow 2 leaves some without a state.
    tasks = [task for task in played.record.task_instances if not task.had_worker and task.state in STATES]
    pairs = [(t.job, of_no_worker(t), shown.of_no_worker(t, clear_number=t.dag_run.clear_number)) for t in tasks]
    assert differences(pairs) == {}


@pytest.mark.parametrize("way", ["fetched", "both"])
def test_earlier_tries(played: Played, way: str) -> None:
    shown: Shown = getattr(played, way)
    tries = [task for task in played.record.earlier_tries if task.had_worker]
    assert differences((t.job, of_earlier_try(t), shown.reported(t.id)) for t in tries) == {}


def test_nothing_else_is_shown(played: Played) -> None:
    tasks = played.record.task_instances + played.record.earlier_tries
    known = {id_ for run in played.record.dag_runs for id_ in run.all_ids} | {task.id for task in tasks}
    assert played.fetched.by_id.keys() <= known
    assert played.both.by_id.keys() <= known
