"""Any order and any repetition of the same events gives the same rows."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.digest import forget_written
from lineage.models import Dataset, Edge, Event, Job, Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.settled import latest_shown, running_count, settled_end, settled_state
from tests.lineage.state import projection

SampleLines = Callable[..., list[bytes]]


def send_in_groups(sender: Sender, bodies: list[bytes], sizes: list[int]) -> None:
    """One transaction for each group: what is merged in Python and what in SQL changes with the sizes."""
    position = 0
    for size in sizes:
        sender.send(*bodies[position : position + size])
        position += size
    sender.send(*bodies[position:])


def test_samples_in_order_reversed_and_shuffled_give_the_same_rows(
    new_sender: Callable[[], Sender], sample_lines: SampleLines
) -> None:
    lines = sample_lines()
    shuffled = lines + lines[::3]
    random.Random(1).shuffle(shuffled)
    expected = None
    for bodies in (lines, lines[::-1], shuffled):
        sender = new_sender()
        for body in bodies:
            sender.send(body)
        found = projection(sender.connection.id)
        expected = expected or found
        assert found == expected
    assert len(expected["Run"]) == len({(str(run["id"])) for run in expected["Run"]}) > 50


def test_one_transaction_or_many_give_the_same_rows(
    new_sender: Callable[[], Sender], sample_lines: SampleLines
) -> None:
    lines = sample_lines()
    at_once, one_by_one = new_sender(), new_sender()
    at_once.send(*lines)
    for line in lines:
        one_by_one.send(line)
    assert projection(at_once.connection.id) == projection(one_by_one.connection.id)


TOLD = st.sampled_from(["success", "failed", "skipped", "upstream_failed", "running", None])


def run_facets(draw: st.DrawFn) -> dict[str, object]:
    parent = {
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
        "externalQuery": {"externalQueryId": draw(st.sampled_from(["q1", "Q2"])), "source": "s"},
    }
    return {name: facet for name, facet in facets.items() if draw(st.booleans())}


def job_facets(draw: st.DrawFn) -> dict[str, object]:
    facets = {
        "jobType": [{"jobType": "DAG", "integration": "AIRFLOW"}, {"jobType": "task"}, {"_deleted": True}],
        "documentation": [{"description": "a"}, {"description": "É"}, {"_deleted": True}],
        "ownership": [{"owners": [{"name": "B"}, {"name": 'q"\\'}]}, {"owners": [{"name": "B"}]}, {"_deleted": True}],
        "tags": [{"tags": [{"key": "a", "value": "b"}]}, {"tags": [{"key": "a,b", "value": "true"}]}],
        "sourceCodeLocation": [{"url": "https://example.com/1"}, {"repoUrl": "https://example.com/é"}],
    }
    return {name: draw(st.sampled_from(shapes)) for name, shapes in facets.items() if draw(st.booleans())}


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """Events that collide: few runs, jobs and times, so that ties and contradictions are common."""
    datasets = st.lists(st.sampled_from([dataset("t1"), dataset("t2", schema={"fields": []})]), max_size=2)
    return run_event(
        draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER", None])),
        at(draw(st.sampled_from([0, 0.5, 1, 2, 3, 3600, 7200]))),
        run=draw(st.sampled_from(["r1", "r2", "p1", "00000000-0000-0000-0000-00000000000A"])),
        job=draw(st.sampled_from(["a", "b", "a.b", "a.c"])),
        run_facets=run_facets(draw),
        job_facets=job_facets(draw),
        inputs=draw(datasets),
        outputs=draw(datasets),
    )


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bodies=st.lists(events(), min_size=1, max_size=8),
    repeats=st.lists(st.integers(0, 7), max_size=4),
    sizes=st.lists(st.integers(1, 4), max_size=4),
    data=st.data(),
)
def test_contradicting_events_in_any_order_and_grouping_give_the_same_rows(
    bodies: list[bytes], repeats: list[int], sizes: list[int], data: st.DataObject
) -> None:
    permuted = data.draw(st.permutations(bodies + [bodies[i] for i in repeats if i < len(bodies)]))
    # The same connection both times: ties between jobs fall by their ids, which hash the connection.
    sender = make_sender()
    for body in bodies:
        sender.send(body)
    assert_jobs_agree_with_their_runs(sender)
    expected = projection(sender.connection.id)
    forget(sender)
    send_in_groups(sender, permuted, sizes)
    assert_jobs_agree_with_their_runs(sender)
    assert projection(sender.connection.id) == expected


def forget(sender: Sender) -> None:
    for model in (Event, Job, Run, Dataset, Edge):
        model.objects.filter(connection=sender.connection).delete()
    forget_written()


def assert_jobs_agree_with_their_runs(sender: Sender) -> None:
    """The latest run and the running count that a job row carries are those that its runs give."""
    runs = list(Run.objects.filter(connection=sender.connection))
    for job in Job.objects.filter(connection=sender.connection):
        latest = latest_shown(job.id, runs)
        assert job.running_runs == running_count(job.id, runs)
        assert job.latest_run_id == (latest and latest.id)
        assert job.latest_run_state == (latest and settled_state(latest, runs))
        assert job.latest_run_ended_at == (latest and settled_end(latest, runs))


def in_any_order(new_sender: Callable[[], Sender], bodies: Sequence[bytes]) -> Iterator[Sender]:
    """A sender for each order of the bodies, which has sent them one by one: all of them with the same rows."""
    expected = None
    for order in itertools.permutations(bodies):
        sender = new_sender()
        for body in order:
            sender.send(body)
        assert_jobs_agree_with_their_runs(sender)
        found = projection(sender.connection.id)
        expected = expected or found
        assert found == expected
        yield sender
