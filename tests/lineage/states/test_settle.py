"""Settling late, in part, by several at once, and after a crash: the rows are those of a quiet run."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database

from lineage.digest.digest import digest
from lineage.intake.settling import settle_marked
from lineage.models import Job, Mark, Run, Transition
from lineage.states.deadlines import settle_all, sweep
from lineage.states.family import FamilyRows, read_families
from lineage.states.marks import read_marks
from lineage.states.settle import Settled, settle
from tests.lineage.airflow import dag_event, task_event, task_run_id
from tests.lineage.build import at, run_event
from tests.lineage.conftest import NOW, Sender, make_sender
from tests.lineage.digest.test_any_order import FAMILIES, forget
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.state import projection
from tests.lineage.states.test_deadlines import STREAMS

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TRIED_AND_REPORTED = [
    task_event("START", 1),
    task_event("FAIL", 2),
    task_event("START", 5, attempt=2),
    task_event("COMPLETE", 9, attempt=2),
    task_event("START", 5, "killed"),
    *(task_event("START", 5 + index, "mapped", map_index=index) for index in range(3)),
    task_event("FAIL", 20, "mapped", map_index=1),
    dag_event("COMPLETE", 60, {"load": "success", "killed": "failed", "skipped": "skipped", "mapped": "failed"}),
]


def digest_only(sender: Sender, *bodies: bytes, now: datetime = NOW) -> None:
    """Digest events as a process does that is killed before it settles."""
    digest([sender.submission(bodies)], now=now)


def marks(sender: Sender) -> int:
    return Mark.objects.filter(connection_id=sender.connection.id).count()


def quiet(sender: Sender, bodies: Sequence[bytes]) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run in which each event is settled at once, and the minute's sweeps come. The sender forgets it."""
    for body in bodies:
        sender.send(body)
    found = swept(sender)
    forget(sender)
    return found


def swept(sender: Sender) -> dict[str, list[dict[str, Any]]]:
    """The rows after the sweeps of two minutes: what the first one settles, the second one may find lost."""
    sweep(NOW)
    sweep(NOW)
    assert_shown_as_the_rules_say(sender.connection.id)
    return projection(sender.connection.id, with_its_ids=True)


# --- Marks ---------------------------------------------------------------------------------------------------------


def test_what_is_not_settled_is_marked_and_settled_later(sender: Sender) -> None:
    expected = quiet(sender, TRIED_AND_REPORTED)
    for body in TRIED_AND_REPORTED:
        digest_only(sender, body)
    assert marks(sender) > 0
    settled = settle(sender.connection.id, now=NOW)
    assert settled.marks > 0
    assert settled.runs > 0
    assert marks(sender) == 0
    assert swept(sender) == expected


def test_without_marks_nothing_is_settled(sender: Sender) -> None:
    sender.send(*TRIED_AND_REPORTED)
    assert settle(sender.connection.id, now=NOW) == Settled()


def test_a_run_without_company_is_settled_in_the_digest(sender: Sender) -> None:
    digest_only(sender, run_event("START", at(0)), now=NOON)
    assert marks(sender) == 0
    run = Run.objects.get()
    assert (run.shown_state, run.is_hidden) == ("RUNNING", False)
    assert run.lost_after == NOON + timedelta(hours=24)
    assert Job.objects.get().running_runs == 1


@pytest.mark.usefixtures("fresh_tables")
@pytest.mark.parametrize("part", range(5))
def test_kills_between_digest_and_settle(part: int) -> None:
    """5 of 50: groups of a family's events, in any order, few or none of them settled before `maintain` comes."""
    chance = random.Random(part)
    sender = make_sender()
    for facet in ("airflow", "dbt_run"):
        bodies = chance.choice(sorted(families_with(facet), key=len)[-6:])
        expected = quiet(sender, bodies)
        for _ in range(5):
            send_with_kills(sender, bodies, chance)
            settle_all(now=NOW)
            assert marks(sender) == 0
            assert swept(sender) == expected
            forget(sender)


def families_with(facet: str) -> list[list[bytes]]:
    """Return the families in the samples in which a run has such a facet."""
    named = f'"{facet}"'.encode()
    found = [family for family in FAMILIES if any(named in body for body in family)]
    assert len(found) > 3
    return found


def send_with_kills(sender: Sender, bodies: Sequence[bytes], chance: random.Random) -> None:
    lines = [*bodies, *chance.choices(bodies, k=len(bodies) // 5)]
    chance.shuffle(lines)
    settles = chance.choice([0.0, 0.0, 0.3])
    while lines:
        size = chance.randint(1, 12)
        digest_only(sender, *lines[:size])
        del lines[:size]
        if chance.random() < settles:
            settle(sender.connection.id, now=NOW)


# --- Several at once -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_two_that_digest_and_settle_one_family_at_once(seed: int) -> None:
    chance, sender = random.Random(seed), make_sender()
    bodies = [*TRIED_AND_REPORTED, *chance.choice(families_with("dbt_run"))]
    expected = quiet(sender, bodies)
    lines = [*bodies, *bodies[::3]]
    chance.shuffle(lines)

    def send(some: list[bytes]) -> None:
        try:
            for body in some:
                sender.send(body)
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(send, lines[n::2]) for n in range(2)]:
            future.result(timeout=60)
    assert swept(sender) == expected


@pytest.mark.django_db(transaction=True)
def test_a_run_that_an_event_changes_meanwhile_is_settled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event comes after the settler has read the run. The digest settles it by itself, and makes no mark."""
    sender, ends = make_sender(), [run_event("COMPLETE", at(9))]
    # A job that need not end is not settled in the digest while it runs.
    digest_only(sender, run_event("START", at(0), job_facets=STREAMS))

    def end() -> None:
        while ends:
            digest_only(sender, ends.pop())
        database.close()

    def read_and_let_it_end(*arguments: Any) -> FamilyRows:
        rows = read_families(*arguments)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(end).result(timeout=30)
        return rows

    monkeypatch.setattr("lineage.states.settle.read_families", read_and_let_it_end)
    assert settle_marked(sender.connection.id), "its mark stays, and is to be followed"
    assert marks(sender) == 1
    assert not settle_marked(sender.connection.id)
    assert marks(sender) == 0
    assert Run.objects.get().shown_state == "COMPLETED"
    assert_shown_as_the_rules_say(sender.connection.id)


# --- What it costs -------------------------------------------------------------------------------------------------


def runs_read_after(sender: Sender, body: bytes) -> int:
    """Settle one event, and count the runs that are read for it."""
    digest_only(sender, body)
    marked = read_marks(sender.connection.id, most=10_000)
    rows = read_families(sender.connection.id, {mark.run_id for mark in marked})
    settle(sender.connection.id, now=NOW)
    return len(rows.runs)


@pytest.mark.parametrize("instances", [20, 2000])
def test_what_is_read_for_an_instance_does_not_grow_with_its_mapped_task(sender: Sender, instances: int) -> None:
    sender.send(*(task_event("START", 1, map_index=index) for index in range(instances)))
    assert runs_read_after(sender, task_event("FAIL", 2, map_index=7)) == 0
    # A second try of one: both tries are read.
    assert runs_read_after(sender, task_event("START", 3, attempt=2, map_index=7)) == 2
    # What the DAG run tells: the DAG run itself has no company; what it says of the task has one instance for all.
    assert runs_read_after(sender, dag_event("COMPLETE", 60, {"load": "failed"})) <= 3
    # Each instance is looked at with that from now on.
    assert runs_read_after(sender, task_event("COMPLETE", 70, map_index=9)) == 2
    assert_shown_as_the_rules_say(sender.connection.id)


@pytest.mark.parametrize("others", [5, 500])
def test_what_is_read_for_a_task_does_not_grow_with_its_dag_run(sender: Sender, others: int) -> None:
    names = [f"task_{number}" for number in range(others)]
    sender.send(*(task_event("START", 1, name) for name in names))
    sender.send(dag_event("COMPLETE", 60, dict.fromkeys(names, "success")))
    assert runs_read_after(sender, task_event("COMPLETE", 50, names[0])) == 2


# --- Transitions ---------------------------------------------------------------------------------------------------


def transitions(sender: Sender, run: str) -> list[tuple[str, str, datetime]]:
    of_run = Run.objects.of(sender.connection).filter(run_id=run).values("id")
    rows = Transition.objects.filter(connection_id=sender.connection.id, run_id__in=of_run).order_by("id")
    return [(row.from_state, row.to_state, row.at) for row in rows]


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def only_run() -> str:
    return str(Run.objects.get().run_id)


@pytest.mark.parametrize("is_of_dbt", [False, True])
def test_a_run_that_begins_and_ends(sender: Sender, is_of_dbt: bool) -> None:
    """The one is settled in the digest, the other one after it."""
    facets = {"dbt_run": {"invocation_id": "this command"}} if is_of_dbt else {}
    for type_, seconds in (("START", 1), ("RUNNING", 5), ("COMPLETE", 9), ("OTHER", 10)):
        sender.send(run_event(type_, at(seconds), run_facets=facets), now=after(20 + seconds))
    assert transitions(sender, only_run()) == [
        ("UNKNOWN", "RUNNING", after(1)),
        ("RUNNING", "COMPLETED", after(9)),
    ]
    assert [row.settled_at for row in Transition.objects.order_by("id")] == [after(21), after(29)]
    assert {row.job_id for row in Transition.objects.all()} == {Job.objects.get().id}


def test_events_that_come_again_make_no_second_transition(sender: Sender) -> None:
    bodies = [run_event("START", at(1)), run_event("FAIL", at(9))]
    for body in [*bodies, *bodies, *bodies[::-1]]:
        sender.send(body, now=after(20))
    assert [to for _, to, _ in transitions(sender, only_run())] == ["RUNNING", "FAILED"]
    settle(sender.connection.id, now=NOW)
    assert Transition.objects.count() == 2


def test_a_run_of_which_both_events_come_at_once_has_one_transition(sender: Sender) -> None:
    sender.send(run_event("COMPLETE", at(9)), run_event("START", at(1)), now=after(20))
    assert transitions(sender, only_run()) == [("UNKNOWN", "COMPLETED", after(9))]


def test_a_try_that_another_one_follows(sender: Sender) -> None:
    for event in (task_event("START", 1), task_event("FAIL", 2), task_event("START", 5, attempt=2)):
        sender.send(event, now=after(20))
    assert transitions(sender, task_run_id("load")) == [
        ("UNKNOWN", "RUNNING", after(1)),
        ("RUNNING", "FAILED", after(2)),
        ("FAILED", "RETRIED", after(2)),
    ]
    assert transitions(sender, task_run_id("load", 2)) == [("UNKNOWN", "RUNNING", after(5))]


def test_a_run_that_is_lost_and_revived(sender: Sender) -> None:
    next_day = NOON + timedelta(hours=25)
    sender.send(run_event("START", at(0)), now=NOON)
    sweep(next_day)
    for type_, seconds in (("RUNNING", 7200), ("COMPLETE", 7300)):
        sender.send(run_event(type_, at(seconds)), now=next_day)
    assert transitions(sender, only_run()) == [
        ("UNKNOWN", "RUNNING", NOON),
        ("RUNNING", "LOST", NOON + timedelta(hours=24)),
        ("LOST", "RUNNING", NOON),
        ("RUNNING", "COMPLETED", after(7300)),
    ]


def test_a_hidden_run_has_none(sender: Sender) -> None:
    """The DAG run reports on a task that has runs of its own."""
    sender.send(task_event("START", 5), now=after(20))
    sender.send(dag_event("COMPLETE", 60, {"load": "success"}), now=after(80))
    hidden = Run.objects.get(is_hidden=True)
    assert transitions(sender, str(hidden.id)) == []
    assert transitions(sender, task_run_id("load"))[-1][:2] == ("RUNNING", "COMPLETED")
