"""`dbt-ol send-events` sends a command's runs again, under new ids: each is shown once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from lineage.jobs.statistics import job_statistics
from lineage.models import Job, Run
from lineage.now.reading import read_histories
from lineage.runs.relations import children_of
from tests.lineage.build import at, run_event
from tests.lineage.conftest import READER, Sender
from tests.lineage.digest.test_any_order import in_any_order
from tests.lineage.replays import replayed
from tests.lineage.shown import assert_shown_as_the_rules_say

SampleLines = Callable[..., list[bytes]]
INVOCATION = "0f4e34a0-68b6-40e7-9642-6391e256a62a"


@pytest.fixture
def build(sample_lines: SampleLines) -> list[bytes]:
    return sample_lines("dbt-build-fail")


def shown(sender: Sender) -> set[tuple[str, str, UUID]]:
    """Name of the job, state and id of each run that lists show."""
    runs = Run.objects.shown().filter(connection=sender.connection).select_related("job")
    return {(run.job.name, run.shown_state, run.run_id) for run in runs}


def test_a_replay_adds_no_run_whenever_it_comes(new_sender: Callable[[], Sender], build: list[bytes]) -> None:
    original, again = new_sender(), replayed(build)
    original.send(*build)
    expected = shown(original)
    assert len(expected) == 4
    for lines in ([*build, *again], [*again, *build], [*again[::2], *build, *again[1::2], *replayed(build)]):
        sender = new_sender()
        for line in lines:
            sender.send(line)
        assert shown(sender) == expected
        assert_shown_as_the_rules_say(sender.connection.id)
        jobs = Job.objects.filter(connection=sender.connection)
        assert jobs.count() == 4
        assert jobs.get(name="dbt-run-shop").latest_run_state == "FAILED"
        keys = [(job.connection_id, job.id) for job in jobs]
        assert [len(history) for history in read_histories(keys, most_runs=9).values()] == [1] * 4
        assert {statistics.runs for statistics in job_statistics(jobs).values()} == {1}


def test_a_real_replay(new_sender: Callable[[], Sender], sample_lines: SampleLines) -> None:
    original, both = new_sender(), new_sender()
    original.send(*sample_lines("dbt-build-doubt"))
    for line in [*sample_lines("dbt-build-doubt-again"), *sample_lines("dbt-build-doubt")]:
        both.send(line)
    assert shown(both) == shown(original)
    assert (
        Job.objects.filter(connection=both.connection).count()
        == Job.objects.filter(connection=original.connection).count()
    )
    assert_shown_as_the_rules_say(both.connection.id)


def test_a_replay_alone_is_shown(sender: Sender, build: list[bytes]) -> None:
    sender.send(*replayed(build))
    assert len(shown(sender)) == 4


def test_a_replay_mends_what_was_lost(sender: Sender, build: list[bytes]) -> None:
    """The connection broke: of the model only its START came, of the tests nothing."""
    sender.send(*build[:2], *replayed(build))
    states = {(name, state) for name, state, _ in shown(sender)}
    assert ("model.shop.stg_orders", "COMPLETED") in states
    assert len(states) == 4
    assert not Job.objects.filter(running_runs__gt=0).exists()


def test_either_id_has_the_command_s_child_runs(sender: Sender, build: list[bytes]) -> None:
    sender.send(*build, *replayed(build))
    commands = Run.objects.filter(job__name="dbt-run-shop").select_related("job")
    found = [{run.run_id for run in children_of(command, READER)} for command in commands]
    assert len(found) == 2
    assert found[0] == found[1]
    assert len(found[0]) == 3


def run(type_: str, time: float, run_id: str, invocation: str, **more: Any) -> bytes:
    facets = {"jobType": {"jobType": "MODEL", "integration": "DBT"}, "dbt_node": {"unique_id": "model.shop.orders"}}
    return run_event(
        type_,
        at(time),
        run=run_id,
        job="model.shop.orders",
        run_facets={"dbt_run": {"invocation_id": invocation}, **more},
        job_facets=facets,
    )


def test_two_commands_are_two(sender: Sender) -> None:
    sender.send(run("COMPLETE", 1, "a", INVOCATION), run("COMPLETE", 1, "b", str(uuid4())))
    assert len(shown(sender)) == 2


def test_another_connection_s_run_hides_nothing(new_sender: Callable[[], Sender]) -> None:
    one, other = new_sender(), new_sender()
    for sender in (one, other):
        sender.send(run("COMPLETE", 1, "a", INVOCATION))
        assert len(shown(sender)) == 1


@pytest.mark.parametrize("invocation", ["", 7, None, "no uuid"])
def test_an_odd_invocation_is_taken_as_it_is(sender: Sender, invocation: Any) -> None:
    sender.send(run("COMPLETE", 1, "a", invocation), run("COMPLETE", 2, "b", invocation))
    assert len(shown(sender)) == (1 if invocation == "no uuid" else 2)


def test_queries_of_one_name_are_each_shown(sender: Sender) -> None:
    facets = {"jobType": {"jobType": "SQL", "integration": "DBT"}}
    for id_ in ("a", "b"):
        said = {"dbt_run": {"invocation_id": INVOCATION}}
        sender.send(run_event("COMPLETE", run=id_, job="model.shop.orders.sql.1", run_facets=said, job_facets=facets))
    assert len(shown(sender)) == 2


def test_any_order_of_a_run_and_its_replays(new_sender: Callable[[], Sender]) -> None:
    bodies = [run("START", 0, "a", INVOCATION), run("FAIL", 2, "a", INVOCATION)]
    bodies += [run("START", 0, "b", INVOCATION), run("COMPLETE", 9, "b", INVOCATION), run("START", 0, "c", INVOCATION)]
    for sender in in_any_order(new_sender, bodies):
        assert {Run.objects.get(connection=sender.connection, run_id=id_).external_id for *_, id_ in shown(sender)} <= {
            "a",
            "b",
        }
