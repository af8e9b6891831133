"""Neither the order nor the repetition of events changes the rows."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.digest.digest import forget_written
from tests.conftest import SAMPLES
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import STORED, Sender, make_sender
from tests.lineage.settling import settle_rows
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.state import projection

SampleLines = Callable[..., list[bytes]]

# What is merged in Python has more examples without a database: test_fold.py, and the rules of states in test_rules.py.
# The examples of a test are spread over several transactions. PostgreSQL keeps the rows that a transaction deletes
# until it ends, and reads past them: with all examples in one transaction, each takes longer than the one before.
PARTS = range(2)
EXAMPLES_OF_PART = 35


# After all events, so that their times are believed, and before any run was silent for a day: what is lost by then
# depends on when it is looked for, also where all else is equal (test_deadlines.py).
NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


def send_in_groups(sender: Sender, bodies: list[bytes], sizes: list[int]) -> None:
    """Send each group in one transaction: the sizes decide what is merged in Python and what in SQL."""
    position = 0
    for size in sizes:
        sender.send(*bodies[position : position + size], now=NOW)
        position += size
    sender.send(*bodies[position:], now=NOW)


@pytest.mark.usefixtures("fresh_tables")
def test_all_samples_one_by_one_at_once_and_backwards_give_the_same_rows(sample_lines: SampleLines) -> None:
    lines = sample_lines()
    # Backwards, what ends one run comes along with what began another, whose end is stored.
    expected = assert_same_rows(lines, (lines, []), (lines[::-1], [5] * len(lines)))
    assert len(expected["Run"]) == len({(str(run["id"])) for run in expected["Run"]}) > 50


def families(lines: Sequence[bytes]) -> list[list[bytes]]:
    """The events in groups of those that tell of one another's runs, each in the order of the lines: a DAG run with its
    tasks, cleared or not, and a dbt command with its nodes, however often it was sent."""
    found: list[tuple[set[str], list[bytes]]] = []
    for line in lines:
        names, bodies, others = runs_in(json.loads(line)), [line], []
        for family in found:
            if family[0].isdisjoint(names):
                others.append(family)
            else:
                names, bodies = names | family[0], family[1] + bodies
        found = [*others, (names, bodies)]
    return [bodies for _, bodies in found]


def runs_in(event: dict[str, Any]) -> set[str]:
    """The ids that the event gives its run, those above it, and what they are a part of."""
    facets = event["run"]["facets"]
    parent = facets.get("parent", {})
    above = [parent.get("run"), parent.get("root", {}).get("run")]
    dag_run = facets.get("airflow") or facets.get("airflowDagRun") or {}
    return {
        event["run"]["runId"],
        *(run["runId"] for run in above if run),
        *([facets["dbt_run"]["invocation_id"]] if "dbt_run" in facets else ()),
        *([f"{dag_run['dag']['dag_id']} {dag_run['dagRun']['run_id']}"] if "dagRun" in dag_run else ()),
    }


def job_in(body: bytes) -> str:
    name: str = json.loads(body)["job"]["name"]
    return name


# A loss depends on the time at which a run is looked at, not on its events alone.
BEFORE_ANY_LOSS = datetime(1, 1, 2, tzinfo=UTC)
FAMILIES = families([line for path in sorted(SAMPLES.glob("*.jsonl")) for line in path.read_bytes().splitlines()])


def test_the_families_of_the_samples_are_whole() -> None:
    """A DAG run whose tasks were cleared has another run id, as a dbt command has that was sent again."""
    of_job = {tuple(sorted({job_in(body) for body in family})): family for family in FAMILIES}
    assert len(of_job["cleared_whole", "cleared_whole.check", "cleared_whole.list_files", "cleared_whole.load"]) == 18
    assert max(map(len, FAMILIES)) == 80
    assert min(map(len, FAMILIES)) > 1


@pytest.mark.usefixtures("fresh_tables")
@pytest.mark.parametrize("part", PARTS)
@settings(max_examples=EXAMPLES_OF_PART, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), sizes=st.lists(st.integers(1, 4), max_size=4))
def test_what_real_senders_say_of_one_run_in_any_order_and_grouping_gives_the_same_rows(
    part: int, data: st.DataObject, sizes: list[int]
) -> None:
    """Some of what a family says of a few jobs, some of it repeatedly; large families more often."""
    family = data.draw(st.sampled_from([family for family in FAMILIES for _ in family]))
    jobs = data.draw(st.sets(st.sampled_from(sorted({job_in(body) for body in family})), min_size=1, max_size=3))
    bodies = [body for body in family if job_in(body) in jobs]
    sent = data.draw(st.lists(st.sampled_from(bodies), min_size=4, max_size=12))
    assert_same_rows([body for body in bodies if body in sent], (sent, sizes))


# Few, and some that cannot be true.
TIMES = [*map(at, (0, 0.5, 1, 2, 3, 3600, 7200)), "0001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]
OTHER_JOB = {"namespace": "n", "name": "a"}
TOLD = st.sampled_from(["success", "failed", "skipped", "upstream_failed", "running", None])


def run_facets(draw: st.DrawFn) -> dict[str, object]:
    parent: dict[str, Any] = {
        "run": {"runId": draw(st.sampled_from(["p1", "p2"]))},
        "job": {"namespace": "n", "name": draw(st.sampled_from(["a", "B", "é"]))},
    }
    if draw(st.booleans()):
        parent["root"] = {"run": {"runId": draw(st.sampled_from(["r1", "r2"]))}, "job": {"namespace": "n", "name": "r"}}
    facets = {
        "parent": parent,
        "nominalTime": {"nominalStartTime": at(draw(st.integers(0, 3))), "nominalEndTime": None},
        "errorMessage": {"message": draw(st.sampled_from(["x", "Y", "timed_out"])), "programmingLanguage": "python"},
        "airflow": {"taskInstance": {"try_number": draw(st.integers(1, 3)), "map_index": draw(st.integers(-1, 2))}},
        "airflowState": {
            "tasksState": draw(st.dictionaries(st.sampled_from("bc"), TOLD, max_size=2)),
            "tasksDuration": draw(st.dictionaries(st.sampled_from("bc"), st.sampled_from([0.0, 0.5, 3]), max_size=2)),
        },
        "airflowDagRun": {
            "dagRun": {
                "run_id": draw(st.sampled_from(["manual__1", "Manual__É"])),
                "start_date": at(draw(st.integers(0, 1))),
                "clear_number": draw(st.integers(0, 1)),
            }
        },
        "extractionError": {"totalTasks": draw(st.integers(1, 3)), "failedTasks": 1, "errors": []},
        "jobDependencies": {
            draw(st.sampled_from(["upstream", "downstream"])): [{"job": {"namespace": "n", "name": "a"}}]
        },
        "externalQuery": {"externalQueryId": draw(st.sampled_from(["q1", "Q2"])), "source": "s"},
    }
    return {name: facet for name, facet in facets.items() if draw(st.booleans())}


def job_facets(draw: st.DrawFn) -> dict[str, object]:
    facets: dict[str, list[Any]] = {
        "jobType": [{"jobType": "DAG", "integration": "AIRFLOW"}, {"jobType": "task"}, {"_deleted": True}],
        "documentation": [{"description": "a"}, {"description": "É"}, {"_deleted": True}],
        "ownership": [{"owners": [{"name": "B"}, {"name": 'q"\\'}]}, {"owners": [{"name": "B"}]}, {"_deleted": True}],
        "tags": [{"tags": [{"key": "a", "value": "b"}]}, {"tags": [{"key": "a,b", "value": "true"}]}],
        "sourceCodeLocation": [{"url": "https://example.com/1"}, {"repoUrl": "https://example.com/é"}],
        "lineage": [{"entries": []}, {"entries": [MADE_OF]}, {"lineage": [MADE_OF, {**MADE_OF, "name": "t4"}]}],
    }
    return {name: draw(st.sampled_from(shapes)) for name, shapes in facets.items() if draw(st.booleans())}


RENAMED = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "warehouse", "name": "t1"}}
SOURCES = [{"namespace": "warehouse", "name": name, "field": "a"} for name in ("t1", "t3")]
MADE_OF = {"namespace": "warehouse", "name": "t2", "type": "DATASET", "inputs": [{**SOURCES[1], "type": "DATASET"}]}
DATASETS = [
    dataset("t1"),
    dataset("t2", schema={"fields": []}, lineage={"inputs": [{**SOURCES[0], "type": "DATASET"}]}),
    dataset("t2", schema={"fields": [{"name": "a"}]}, lifecycleStateChange=RENAMED),
    dataset("t2", columnLineage={"fields": {"b": {"inputFields": SOURCES}}}, version={"datasetVersion": "2"}),
    dataset("t1", symlinks={"identifiers": [{"namespace": "hive", "name": "t2", "type": "TABLE"}]}),
    dataset("t1", ownership={"_deleted": True}, dataQualityMetrics={"rowCount": 3}),
    dataset("t1", ownership={"owners": [{"name": "B"}]}, dataQualityMetrics={"rowCount": 5, "bytes": 1}),
    *(
        dataset("t1", dataQualityAssertions={"assertions": [{"assertion": "unique", "success": success}] * 2})
        for success in (True, False)
    ),
]


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """Events that collide: few runs, jobs and times, so that ties and contradictions are common."""
    datasets = st.lists(st.sampled_from(DATASETS), max_size=2)
    return run_event(
        draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER", None])),
        draw(st.sampled_from(TIMES)),
        run=draw(st.sampled_from(["r1", "r2", "p1", "00000000-0000-0000-0000-00000000000A"])),
        job=draw(st.sampled_from(["a", "b", "a.b", "a.c"])),
        run_facets=run_facets(draw),
        job_facets=job_facets(draw),
        inputs=draw(datasets),
        outputs=draw(datasets),
    )


@pytest.mark.usefixtures("fresh_tables")
@pytest.mark.parametrize("part", PARTS)
@settings(max_examples=EXAMPLES_OF_PART, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bodies=st.lists(events(), min_size=1, max_size=8),
    repeats=st.lists(st.integers(0, 7), max_size=4),
    sizes=st.lists(st.integers(1, 4), max_size=4),
    data=st.data(),
)
def test_contradicting_events_in_any_order_and_grouping_give_the_same_rows(
    part: int, bodies: list[bytes], repeats: list[int], sizes: list[int], data: st.DataObject
) -> None:
    permuted = data.draw(st.permutations(bodies + [bodies[i] for i in repeats if i < len(bodies)]))
    assert_same_rows(bodies, (permuted, sizes))


def assert_same_rows(bodies: Sequence[bytes], *again: tuple[list[bytes], list[int]]) -> dict[str, Any]:
    """The rows of the bodies one by one; in each of the other orders, some repeated, in transactions of the sizes."""
    # The same connection each time: ties between jobs fall by their ids, which hash the connection.
    sender = make_sender()
    for body in bodies:
        sender.send(body, now=NOW)
    assert_shown_as_the_rules_say(sender.connection.id)
    settle_rows(sender.connection.id, BEFORE_ANY_LOSS)
    expected = projection(sender.connection.id, with_its_ids=True)
    for others, sizes in again:
        forget(sender)
        send_in_groups(sender, others, sizes)
        assert_shown_as_the_rules_say(sender.connection.id)
        settle_rows(sender.connection.id, BEFORE_ANY_LOSS)
        assert projection(sender.connection.id, with_its_ids=True) == expected
    return expected


def forget(sender: Sender) -> None:
    for model in STORED:
        model.objects.filter(connection=sender.connection).delete()
    forget_written()


def in_any_order(new_sender: Callable[[], Sender], bodies: Sequence[bytes]) -> Iterator[Sender]:
    """Make a sender for each order of the bodies, which sends them one by one. All must have equal rows."""
    expected = None
    for order in itertools.permutations(bodies):
        sender = new_sender()
        for body in order:
            sender.send(body, now=NOW)
        assert_shown_as_the_rules_say(sender.connection.id)
        found = projection(sender.connection.id)
        expected = expected or found
        assert found == expected
        yield sender


@pytest.mark.django_db
def test_a_root_beside_a_broken_parent(new_sender: Callable[[], Sender]) -> None:
    above = {"run": {"runId": "00000000-0000-0000-0000-0000000000aa"}, "job": {"namespace": "n", "name": "root"}}
    broken = {"parent": {"run": {}, "job": {"namespace": "n", "name": "above"}, "root": above}}
    bodies = [run_event("START", at(0), run_facets=broken), run_event("COMPLETE", at(1))]
    assert len(list(in_any_order(new_sender, bodies))) == 2
