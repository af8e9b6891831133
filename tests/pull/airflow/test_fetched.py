"""Records of a real Airflow, fetched: compared with its metadata database, and with the events that it pushed."""

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from lineage.digest.digest import Submission, digest
from lineage.events import decode_event
from lineage.events.senders.airflow.run_ids import task_run_id
from lineage.models import Job, Run
from lineage.states.settle import settle
from pull.models import PullSource
from pull.storing import store
from tests.conftest import SAMPLES
from tests.lineage.conftest import Sender, make_sender
from tests.pull.airflow.replay import NAMESPACE, NOW, Replay, replayed
from tests.pull.conftest import fetch, set_up

pytestmark = pytest.mark.django_db

STATES = {"success": "COMPLETED", "failed": "FAILED", "skipped": "SKIPPED", "upstream_failed": "UPSTREAM_FAILED"}
# Jobs and their states, where what was pushed was wrong, and what they are with what was fetched.
_Told = set[tuple[str, str]]
_MENDED: dict[int, tuple[_Told, _Told]] = {
    3: (set(), set()),
    2: (
        {("marked_failed", "RUNNING"), ("marked_failed.endless", "RUNNING"), ("overdue.endless", "RUNNING")},
        {
            ("marked_failed", "FAILED"),
            ("marked_failed.endless", "FAILED"),
            ("marked_failed.never", "SKIPPED"),
            ("overdue.endless", "SKIPPED"),
        },
    ),
}


class Shown(NamedTuple):
    """Shown run, as two connections can be compared."""

    job: str
    run_id: UUID | None
    state: str
    attempt: int | None
    map_index: int | None
    parent: UUID | None
    called: str


def shown_of(connection_id: UUID) -> list[Shown]:
    runs = Run.objects.filter(connection_id=connection_id, is_hidden=False).select_related("job")
    return sorted(
        (
            Shown(
                *(run.job.name, None if run.state_from_parent else run.run_id, run.shown_state, run.attempt),
                *(run.map_index, run.parent_run_id, run.orchestrator_run_id),
            )
            for run in runs
        ),
        key=str,
    )


def record(release: int) -> dict[str, list[dict[str, Any]]]:
    path = SAMPLES / "pull" / f"airflow-{release}-record.json"
    read: dict[str, list[dict[str, Any]]] = json.loads(path.read_text())
    return read


def pushed_bodies(release: int) -> list[bytes]:
    return (SAMPLES / "pull" / f"airflow-{release}-pushed.jsonl").read_bytes().splitlines()


def push(sender: Sender, bodies: Iterable[bytes]) -> None:
    events = [decode_event(body) for body in bodies]
    digest([Submission(sender.key.voucher, events)], now=NOW)
    settle(sender.connection.id, now=NOW)


def fetched_bodies(monkeypatch: pytest.MonkeyPatch, release: int) -> list[bytes]:
    """The bodies of one whole fetch."""
    bodies: list[bytes] = []

    def note(voucher: Any, some: Any) -> Any:
        bodies.extend(some)
        return store(voucher, some)

    with monkeypatch.context() as patched, replayed(Replay(release=release)) as (server, _):
        patched.setattr("pull.sync.store", note)
        fetch(set_up(server.url))
    return bodies


@pytest.mark.parametrize("release", [3, 2])
def test_each_run_of_the_metadata_database_is_shown_as_it_says(release: int) -> None:
    with replayed(Replay(release=release)) as (server, _):
        source = set_up(server.url)
        done = fetch(source)
    assert (done.outcome, done.reason, done.problems) == ("ok", "", {})
    assert done.new_events == done.events > 180
    runs = {run.run_id: run for run in Run.objects.filter(connection_id=source.connection_id, is_hidden=False)}
    reported = {
        (run.parent_run_id, run.job.name): run
        for run in Run.objects.filter(connection_id=source.connection_id, is_hidden=False).select_related("job")
        if run.state_from_parent
    }
    wrong: list[tuple[Any, ...]] = []
    for row in record(release)["dag_runs"]:
        name = row["dag_id"]
        present = [r for r in runs.values() if r.orchestrator_run_id == row["run_id"] and r.job.name == name]
        if [r.shown_state for r in present] != [STATES[row["state"]]]:
            wrong.append((name, row["state"], [r.shown_state for r in present]))
        elif abs(present[0].ended_at - datetime.fromisoformat(row["end"])) > timedelta(seconds=1):
            wrong.append((name, row["end"], present[0].ended_at))
    for row in record(release)["task_instances"]:
        job = f"{row['dag_run']['dag_id']}.{row['task_id']}"
        date = datetime.fromisoformat(row["dag_run"]["date"])
        if row["had_worker"]:
            found = runs.get(task_run_id(f"{NAMESPACE}.{job}", date, row["attempt"], row["map_index"]))
        else:
            found = next(
                (
                    run
                    for (parent, name), run in reported.items()
                    if name == job and parent in runs and runs[parent].orchestrator_run_id == row["dag_run"]["run_id"]
                ),
                None,
            )
        own = found and found.shown_state
        if row["state"] not in ("removed", None) and own != STATES[row["state"]]:
            wrong.append((job, row["state"], own))
    assert wrong == []


@pytest.mark.parametrize("release", [3, 2])
def test_failures_have_their_reasons(release: int) -> None:
    """Logs of tasks say as much as pushed events, or more."""
    with replayed(Replay(release=release)) as (server, _):
        source = set_up(server.url)
        fetch(source)
    pushed = make_sender()
    push(pushed, pushed_bodies(release))
    of_fetched, of_pushed = (
        {
            (run.job.name, run.run_id): run.error_message
            for run in Run.objects.filter(connection_id=id_, shown_state__in=("FAILED", "RETRIED"), attempt__gt=0)
            .exclude(job__name="task_marked_successful.broken")
            .select_related("job")
        }
        for id_ in (source.connection_id, pushed.connection.id)
    )
    missing = {names for names, message in of_fetched.items() if not message}
    assert missing == set()
    assert sum(of_pushed.get(names) == message for names, message in of_fetched.items()) > 15
    assert {"No such table: orders", "Connection refused on try 2"} <= set(of_fetched.values())
    # What Airflow pushes says of a killed task nothing that helps.
    killed = {message for (job, _), message in of_fetched.items() if job.startswith("killed.")}
    assert any("signal" in (one or "") or "return code -9" in (one or "") for one in killed), killed


def test_the_same_poll_stores_nothing_new() -> None:
    with replayed() as (server, _):
        source = set_up(server.url)
        fetch(source)
        PullSource.objects.filter(pk=source.pk).update(cursor=NOW - timedelta(days=1), jobs_read_at=None)
        again = fetch(source, memory={})
    assert again.outcome == "ok"
    assert again.events > 150
    assert again.new_events == 0


@pytest.mark.parametrize("release", [3, 2])
def test_pushed_and_fetched_in_any_order_are_the_same_runs(monkeypatch: pytest.MonkeyPatch, release: int) -> None:
    """Fetching adds no run to what is pushed. It only ends what Airflow 2 never said the end of."""
    fetched, pushed = fetched_bodies(monkeypatch, release), pushed_bodies(release)
    expected = None
    orders = [[*pushed, *fetched], [*fetched, *pushed]]
    for seed in (1, 2, 3):
        mixed = [*pushed, *fetched]
        random.Random(seed).shuffle(mixed)
        orders.append(mixed)
    alone = make_sender()
    push(alone, pushed)
    of_pushed = shown_of(alone.connection.id)
    for order in orders:
        sender = make_sender()
        half = len(order) // 3
        push(sender, order[:half])
        push(sender, order[half:])
        shown = shown_of(sender.connection.id)
        expected = expected or shown
        assert shown == expected
    before, after = ({one[:5] for one in shown} for shown in (of_pushed, expected or []))
    said = {(one[0], one[2]) for one in before - after}
    assert (said, {(one[0], one[2]) for one in after - before}) == _MENDED[release]


def test_jobs_have_what_their_dags_say() -> None:
    replay = Replay()
    for dag in replay.records["dags"]:
        if dag["dag_id"] == "daily":
            dag |= {"owners": ["ada"], "tags": [{"name": "shop"}], "description": "Loads a day"}
    with replayed(replay) as (server, _):
        source = set_up(server.url)
        fetch(source)
        job = Job.objects.get(connection_id=source.connection_id, name="daily")
        assert (job.owners, job.tags, job.description) == (["ada"], ["shop"], "Loads a day")
        assert job.schedule == "0 0 * * *"
        # Only what changed is sent again.
        next(dag for dag in replay.records["dags"] if dag["dag_id"] == "daily")["owners"] = ["bob"]
        for dag in replay.records["dags"]:
            dag["last_parsed_time"] = "2026-12-01T15:59:00Z"
        PullSource.objects.filter(pk=source.pk).update(jobs_read_at=None)
        fetch(source)
    job.refresh_from_db()
    assert job.owners == ["bob"]


def test_what_runs_for_hours_is_not_lost() -> None:
    """Airflow tells of no change of a run that only runs: each full hour it is asked for those."""
    replay = Replay()
    run = next(run for run in replay.records["dag_runs"] if run["dag_id"] == "overdue")
    task = next(task for task in replay.records["task_instances"] if task["dag_run_id"] == run["dag_run_id"])
    began = (NOW - timedelta(hours=30)).isoformat()
    for row, state in ((run, "running"), (task, "deferred")):
        row |= {"state": state, "start_date": began, "end_date": None, "run_after": began}
    replay.records["dag_runs"], replay.records["task_instances"] = [run], [task]
    with replayed(replay) as (server, _):
        source = set_up(server.url, backfill_days=2)
        first = fetch(source)
        assert first.new_events > 0
        runs = Run.objects.filter(connection_id=source.connection_id, is_hidden=False)
        assert {(one.job.name, one.shown_state) for one in runs} == {
            ("overdue", "RUNNING"),
            (f"overdue.{task['task_id']}", "RUNNING"),
        }
        assert {one.last_event_at for one in runs} == {NOW}
        # Once an hour is enough.
        PullSource.objects.filter(pk=source.pk).update(cursor=NOW - timedelta(minutes=2))
        server.now = NOW + timedelta(minutes=30)
        assert fetch(source).new_events == 0
        PullSource.objects.filter(pk=source.pk).update(cursor=NOW + timedelta(minutes=40))
        server.now = NOW + timedelta(hours=1, minutes=1)
        assert fetch(source).new_events == 2


def test_what_waits_is_no_run_yet() -> None:
    replay = Replay()
    for row in replay.records["dag_runs"]:
        row |= {"state": "queued", "start_date": None, "end_date": None}
    for row in replay.records["task_instances"]:
        row |= {"state": "scheduled", "start_date": None, "end_date": None, "try_number": 0}
    with replayed(replay) as (server, _):
        source = set_up(server.url)
        done = fetch(source)
    assert (done.outcome, done.problems) == ("ok", {})
    assert not Run.objects.filter(connection_id=source.connection_id).exists()
