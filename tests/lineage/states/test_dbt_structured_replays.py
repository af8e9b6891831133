"""A command of structured mode, which `dbt-ol send-events` sends again as default mode puts it: its tests, which come
as one run of all tests of a model, are each shown once."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from lineage.jobs.breakdown import job_breakdown
from lineage.jobs.hierarchy import hierarchy_of
from lineage.models import Event, Job, Run
from lineage.overview.summaries import connection_summary
from lineage.runs.relations import shown_one_by_one
from lineage.search.query import Search
from lineage.upkeep import retention
from lineage.upkeep.old_runs import Place, examine_runs
from lineage.upkeep.rebuild.rebuild import rebuild_connection
from lineage.upkeep.removal import removal_preview
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, READER, Sender
from tests.lineage.digest.test_any_order import in_any_order
from tests.lineage.replays import invocation_of, replayed_as
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.state import projection
from tests.lineage.states.test_dbt_replays import INVOCATION, SampleLines, shown


@pytest.fixture
def structured(sample_lines: SampleLines) -> list[bytes]:
    """A build of which a test fails, and a model is skipped with its tests."""
    return sample_lines("dbt-build-struct")


@pytest.fixture
def again(structured: list[bytes], sample_lines: SampleLines) -> list[bytes]:
    return replayed_as(structured, sample_lines("dbt-build-fail"))


def jobs_shown(sender: Sender) -> dict[str, str | None]:
    """Name of each job that lists show, with its state."""
    return dict(Job.objects.shown().of(sender.connection).values_list("name", "latest_run_state"))


def all_tests(lines: list[bytes]) -> list[bytes]:
    """The events of runs of all tests of a model."""
    return [line for line in lines if json.loads(line)["job"]["name"].endswith(".build.test")]


def test_structured_tests_stand_for_their_replay_whenever_it_comes(
    new_sender: Callable[[], Sender], structured: list[bytes], again: list[bytes]
) -> None:
    original = new_sender()
    original.send(*structured)
    expected, jobs = shown(original), jobs_shown(original)
    shuffled = [*structured, *again]
    random.Random(2).shuffle(shuffled)
    found = None
    for lines in ([*structured, *again], [*again, *structured], shuffled, shuffled[::-1]):
        one_by_one, at_once = new_sender(), new_sender()
        for line in lines:
            one_by_one.send(line)
        at_once.send(*lines)
        for sender in (one_by_one, at_once):
            assert shown(sender) == expected
            assert jobs_shown(sender) == jobs
            assert_shown_as_the_rules_say(sender.connection.id)
        projected = projection(one_by_one.connection.id)
        found = found or projected
        assert found == projected == projection(at_once.connection.id)


@pytest.mark.parametrize("comes_first", [False, True])
@pytest.mark.parametrize("part", ["one start", "three tests", "first half", "second half"])
def test_part_of_a_replay_adds_nothing(
    new_sender: Callable[[], Sender], structured: list[bytes], again: list[bytes], part: str, comes_first: bool
) -> None:
    """A START of all tests of a model arrives alone, for example."""
    original = new_sender()
    original.send(*structured)
    parts = {
        "one start": all_tests(again)[:1],
        "three tests": all_tests(again)[:3],
        "first half": again[: len(again) // 2],
        "second half": again[len(again) // 2 :],
    }
    sender = new_sender()
    for line in [*parts[part], *structured] if comes_first else [*structured, *parts[part]]:
        sender.send(line)
    assert shown(sender) == shown(original)
    assert jobs_shown(sender) == jobs_shown(original)
    assert_shown_as_the_rules_say(sender.connection.id)


def test_a_replay_mends_a_structured_test_that_was_lost(
    sender: Sender, structured: list[bytes], again: list[bytes]
) -> None:
    lost = [line for line in structured if json.loads(line)["job"]["name"].startswith("test.shop.unique_stg_orders")]
    sender.send(*(line for line in structured if line not in lost), *again)
    assert jobs_shown(sender)["model.shop.stg_orders.test"] == "FAILED"
    assert "model.shop.customers.test" not in jobs_shown(sender)
    # It comes after all, but does not end.
    sender.send(*lost[:-1])
    assert "model.shop.stg_orders.test" in jobs_shown(sender)
    sender.send(lost[-1])
    assert "model.shop.stg_orders.test" not in jobs_shown(sender)
    assert_shown_as_the_rules_say(sender.connection.id)


def test_what_is_sent_again_is_counted_nowhere(
    new_sender: Callable[[], Sender], structured: list[bytes], again: list[bytes]
) -> None:
    once, twice = new_sender(), new_sender()
    once.send(*structured)
    twice.send(*structured, *again)

    def counted(sender: Sender) -> list[Any]:
        connection = sender.connection
        jobs = Job.objects.of(connection).shown()
        summary = connection_summary(connection, now=NOW)
        page = Search.read("stg_orders", READER, near=str(connection.pk)).page_of_jobs(None, 100)
        facts = job_breakdown([connection.pk])
        names = dict(Job.objects.of(connection).values_list("id", "name"))
        return [
            replace(facts, inside={}, by_connection={}),
            facts.by_connection[connection.pk],
            {names[parent]: inner for parent, inner in facts.inside.items()},
            jobs.counts_by_state(),
            sorted(jobs.outside(facts.inside).values_list("name", flat=True)),
            sorted(Job.objects.of(connection).inside(facts.inside).values_list("name", flat=True)),
            (summary.total_jobs, summary.running_jobs, summary.failing_jobs),
            sorted(job.name for job in page.rows if job.connection_id == connection.pk),
            removal_preview(connection).jobs,
            Run.objects.of(connection).count_with_failures(),
            sorted(
                child.job.name
                for one in jobs
                for child in hierarchy_of(one, list(one.runs.values_list("run_id", flat=True)), READER).children
            ),
        ]

    assert counted(twice) == counted(once)
    assert Job.objects.of(twice.connection).count() > Job.objects.of(once.connection).count()


def test_the_pages_of_a_replay_lead_to_what_is_shown(
    sender: Sender, structured: list[bytes], again: list[bytes]
) -> None:
    sender.send(*structured, *again)
    found = Run.objects.get(job__name="model.shop.stg_orders.test")
    tests = shown_one_by_one(found)
    assert tests is not None
    assert sorted(test.job.name.split(".")[2] for test in tests) == [
        "accepted_values_stg_orders_amount__False__10__20",
        "not_null_stg_orders_order_id",
        "unique_stg_orders_order_id",
    ]
    # Its tests were skipped.
    tests = shown_one_by_one(Run.objects.get(job__name="model.shop.customers.test"))
    assert tests is not None
    assert not tests
    assert all(shown_one_by_one(test) is None for test in Run.objects.shown())


def test_rebuilt_rows_are_the_same(sender: Sender, structured: list[bytes], again: list[bytes]) -> None:
    for line in [*again, *structured]:
        sender.send(line)
    before = projection(sender.connection.id)
    rebuilt = rebuild_connection(sender.connection, clock=lambda: NOW)
    assert not any(rebuilt.changed.values())
    Job.objects.of(sender.connection).update(latest_run_id=None, latest_run_state=None, running_runs=7)
    Run.objects.of(sender.connection).update(node_id=None, test_ids=None)
    rebuild_connection(sender.connection, clock=lambda: NOW)
    assert projection(sender.connection.id) == before
    assert_shown_as_the_rules_say(sender.connection.id)


def drop_old(sender: Sender) -> None:
    """The runs of which no event is stored any more, as retention does."""
    place = Place(datetime.min.replace(tzinfo=UTC), UUID(int=0))
    examined = examine_runs(sender.connection.pk, after=place, before=NOW + timedelta(days=5), limit=1000)
    retention._delete(sender.connection.pk, [run for run in examined if run.is_expired])


def test_structured_tests_are_kept_as_long_as_what_they_stand_for(
    sender: Sender, structured: list[bytes], again: list[bytes]
) -> None:
    """The replay came in the next week, whose events are dropped a week later."""
    sender.send(*structured, *again)
    # The jobs ran again since.
    sender.send(*(line.replace(b"2026-11-20", b"2026-11-30") for line in other_command(structured)))
    expected = jobs_shown(sender)
    stored = Event.objects.of(sender.connection)
    of_replay = set(Run.objects.filter(test_ids__isnull=False).values_list("id", flat=True))
    assert of_replay

    def drop(runs: Any) -> None:
        stored.filter(subject_id__in=runs).delete()
        for _ in range(2):
            drop_old(sender)

    drop(Run.objects.filter(node_id__isnull=False).values("id"))
    assert of_replay <= set(Run.objects.values_list("id", flat=True))
    assert not of_replay & {id_ for *_, id_ in shown(sender)}
    assert jobs_shown(sender) == expected
    drop(of_replay)
    kept = Run.objects.filter(id__in=of_replay).select_related("job")
    assert {run.job.name for run in kept} == {"model.shop.stg_orders.test", "model.shop.customers.test"}
    assert all(run.job.latest_run_id is None for run in kept)
    assert jobs_shown(sender) == expected
    assert_shown_as_the_rules_say(sender.connection.id)


def other_command(lines: list[bytes]) -> list[bytes]:
    """Return another command with equal nodes."""
    ids = {json.loads(line)["run"]["runId"] for line in lines}
    text = b"\n".join(lines)
    for id_ in ids:
        text = text.replace(id_.encode(), str(uuid4()).encode())
    return text.replace(invocation_of(lines).encode(), str(uuid4()).encode()).splitlines()


def test_another_command_or_connection_hides_nothing(
    new_sender: Callable[[], Sender], structured: list[bytes], sample_lines: SampleLines
) -> None:
    sender, other = new_sender(), new_sender()
    other.send(*structured)
    sender.send(*sample_lines("dbt-build-fail"), *other_command(structured))
    assert jobs_shown(sender)["model.shop.stg_orders.test"] == "FAILED"
    assert len(shown(sender)) == len(shown(other)) + 4


def named(name: str, *, succeeds: bool | None = True) -> dict[str, Any]:
    """A generic test of a node; None: it has no result."""
    result = {} if succeeds is None else {"actual": "0" if succeeds else "2", "expected": "0"}
    return {"assertion": "unique", "name": name, "success": bool(succeeds), **result}


def default_tests(type_: str, node: str, *tests: dict[str, Any], run: str = "", command: str = "build") -> bytes:
    """All tests of a node as one run."""
    return run_event(
        type_,
        at(60),
        run=run or f"tests of {node}",
        job=f"db.main.{node}.{'build.' if command == 'build' else ''}test",
        run_facets={"dbt_run": {"invocation_id": INVOCATION}},
        job_facets={"jobType": {"jobType": "TEST", "integration": "DBT"}, "dbt_node": {"unique_id": node}},
        inputs=[{**dataset("db.main.x"), "inputFacets": {"dataQualityAssertions": {"assertions": list(tests)}}}],
    )


def single(type_: str, node: str, *, test_type: str | None = None, actual: str | None = None, time: float = 1) -> bytes:
    """A node that is sent by itself. Without `test_type`, a test comes as default mode sends one that is a query."""
    kind = node.partition(".")[0].upper()
    mode = {"test_type": test_type} if test_type else {}
    result = {"test": {"tests": [{"name": node, "status": "fail", "actual": actual}]}} if kind == "TEST" else {}
    return run_event(
        type_,
        at(time),
        run=f"{node} {test_type}",
        job=node,
        run_facets={"dbt_run": {"invocation_id": INVOCATION}, **result},
        job_facets={"jobType": {"jobType": kind, "integration": "DBT"}, "dbt_node": {"unique_id": node, **mode}},
    )


STRUCTURED_UNIQUE = single("COMPLETE", "test.shop.unique_a.abc", test_type="generic")
ALL_TESTS = "model.shop.a.test"


@pytest.mark.parametrize(
    ("sent", "again", "is_shown"),
    [
        ([STRUCTURED_UNIQUE], [default_tests("COMPLETE", "model.shop.a", named("unique_a"))], False),
        # By their names: whichever table a test of two looks at, an alias, a source.
        ([STRUCTURED_UNIQUE], [default_tests("COMPLETE", "source.shop.raw.a", named("unique_a"))], False),
        ([STRUCTURED_UNIQUE], [default_tests("START", "model.shop.a", named("unique_a"))], False),
        ([STRUCTURED_UNIQUE], [default_tests("FAIL", "model.other.a", named("unique_a", succeeds=False))], False),
        # A query that is a test, of another package than its model.
        (
            [single("COMPLETE", "test.shop.no_refunds", test_type="singular")],
            [default_tests("COMPLETE", "model.other.a", named("no_refunds"))],
            False,
        ),
        # Another one of the model was lost, or never ended.
        ([STRUCTURED_UNIQUE], [default_tests("COMPLETE", "model.shop.a", named("unique_a"), named("lost"))], True),
        (
            [single("START", "test.shop.unique_a.abc", test_type="generic")],
            [default_tests("COMPLETE", "model.shop.a", named("unique_a"))],
            True,
        ),
        # What was never begun, for --fail-fast: it comes without a result.
        (
            [STRUCTURED_UNIQUE],
            [default_tests("FAIL", "model.shop.a", named("unique_a"), named("b", succeeds=None))],
            False,
        ),
        ([STRUCTURED_UNIQUE], [default_tests("FAIL", "model.shop.b", named("b", succeeds=None))], False),
        ([single("FAIL", "model.shop.c")], [default_tests("FAIL", "model.shop.b", named("b", succeeds=None))], False),
        ([STRUCTURED_UNIQUE], [single("FAIL", "test.shop.no_refunds")], False),
        ([STRUCTURED_UNIQUE], [single("FAIL", "test.shop.no_refunds", actual="1")], True),
        # Of tests that no event names, it cannot be told whether they are there; nor of very many.
        ([STRUCTURED_UNIQUE], [default_tests("FAIL", "model.shop.a")], True),
        ([STRUCTURED_UNIQUE], [default_tests("FAIL", "model.shop.a", {**named("unique_a"), "success": None})], True),
        (
            [single("COMPLETE", f"test.shop.t{number}.abc", test_type="generic") for number in range(101)],
            [default_tests("COMPLETE", "model.shop.a", *(named(f"t{number}") for number in range(101)))],
            True,
        ),
        ([STRUCTURED_UNIQUE], [default_tests("COMPLETE", "model.shop.a", {**named("unique_a"), "name": None})], True),
        # A command of default mode.
        (
            [single("COMPLETE", "test.shop.unique_a", actual="0")],
            [default_tests("COMPLETE", "model.shop.a", named("unique_a"))],
            True,
        ),
        ([single("FAIL", "test.shop.no_refunds")], [default_tests("FAIL", "model.shop.a", named("unique_a"))], True),
    ],
)
def test_which_replays_are_shown(
    new_sender: Callable[[], Sender], sent: list[bytes], again: list[bytes], is_shown: bool
) -> None:
    found = []
    for lines in ([*sent, *again], [*again, *sent]):
        sender = new_sender()
        for line in lines:
            sender.send(line)
        assert_shown_as_the_rules_say(sender.connection.id)
        assert len(shown(sender)) == len(jobs_shown(sender)) == len(sent) + is_shown
        found.append(projection(sender.connection.id))
    assert found[0] == found[1]


def test_a_query_that_was_under_way_is_shown_once(new_sender: Callable[[], Sender]) -> None:
    """The query never ended, and its replay has no result: that one is shown."""
    lines = [
        STRUCTURED_UNIQUE,
        single("START", "test.shop.no_refunds", test_type="singular"),
        single("FAIL", "test.shop.no_refunds", time=60),
    ]
    for sender in in_any_order(new_sender, lines):
        expected = {"test.shop.unique_a.abc": "COMPLETED", "test.shop.no_refunds": "FAILED"}
        assert jobs_shown(sender) == expected
        # Its start is what says that it began.
        Event.objects.of(sender.connection).filter(event_type="START").delete()
        drop_old(sender)
        assert jobs_shown(sender) == expected


def test_a_test_that_was_only_described_is_listed(sender: Sender) -> None:
    """Another sender than dbt-ol describes the test."""
    event = json.loads(single("COMPLETE", "test.shop.unique_a.abc", test_type="generic"))
    del event["run"], event["eventType"]
    sender.send(json.dumps({**event, "schemaURL": event["schemaURL"].replace("RunEvent", "JobEvent")}).encode())
    assert Job.objects.of(sender.connection).shown().get().latest_run_id is None


def test_structured_tests_of_one_name_are_each_shown(sender: Sender) -> None:
    """The tests belong to two packages."""
    sender.send(STRUCTURED_UNIQUE, single("COMPLETE", "test.other.unique_a.def", test_type="generic"))
    assert len(shown(sender)) == 2


def test_a_structured_test_that_fails_without_a_result_is_in_no_doubt(sender: Sender) -> None:
    sender.send(single("FAIL", "model.shop.a"), single("FAIL", "test.shop.no_refunds", test_type="singular"))
    assert jobs_shown(sender)["test.shop.no_refunds"] == "FAILED"


def test_any_order_of_structured_tests_and_their_replay(new_sender: Callable[[], Sender]) -> None:
    bodies = [
        STRUCTURED_UNIQUE,
        single("FAIL", "model.shop.a"),
        default_tests("START", "model.shop.a", named("unique_a")),
        default_tests("COMPLETE", "model.shop.a", named("unique_a")),
        default_tests("FAIL", "model.shop.a", named("b", succeeds=None), run="another replay"),
    ]
    for sender in in_any_order(new_sender, bodies):
        assert jobs_shown(sender).keys() == {"test.shop.unique_a.abc", "model.shop.a"}
