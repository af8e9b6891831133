from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from lineage.models import Run
from tests.api.rows import HOUR, NOW, build_run, make_connection, make_job, make_run
from tests.lineage.settling import save_runs

Read = Callable[..., Any]

# What a run alone shows, beyond a list's row, of which no event is stored.
NOTHING_MORE: dict[str, Any] = {
    "reason": None,
    "reason_runs": [],
    "other_connections": [],
    "shown_instead": None,
    "shown_one_by_one": None,
    "error": None,
    "tries": [],
    "datasets": [],
    "extraction": None,
    "tests": [],
    "facets": {"run": {}, "job": {}},
    "links": [],
    "problems": [],
    "hidden": [],
    "dropped": [],
    "events_read": 0,
    "events_out_of_order": False,
}


def test_a_run_of_which_little_is_known(read: Read) -> None:
    """Events without a type give no state and no times, and no value takes their place."""
    job = make_job(make_connection(), "orders")
    unknown = {"active": False, "terminal_type": None, "started_at": None, "ended_at": None}
    run = make_run(job, **unknown, first_event_at=NOW, last_event_at=NOW, event_count=1)
    assert read(f"runs/{run.id}") == {
        "id": str(run.id),
        "connection_id": str(job.connection_id),
        "job": {"id": str(job.id), "namespace": "prod", "name": "orders", "kind": "DAG"},
        "state": "UNKNOWN",
        "started_at": None,
        "ended_at": None,
        "duration_ms": None,
        "nominal_start_at": None,
        "nominal_end_at": None,
        "parent": None,
        "root": None,
        "attempt": None,
        "max_attempts": None,
        "map_index": None,
        "external_id": None,
        "orchestrator_run_id": None,
        "external_query_id": None,
        "error_message": None,
        "event_count": 1,
        "first_event_at": "2026-03-02T12:00:00Z",
        "last_event_at": "2026-03-02T12:00:00Z",
        "received_at": None,
        **NOTHING_MORE,
        "reason": (
            "Only events of type OTHER, or without a type, were received: none says that it began, or how it ended."
        ),
    }


def test_a_run_of_which_much_is_known(read: Read) -> None:
    parent, root = uuid4(), uuid4()
    run = make_run(
        make_job(make_connection()),
        external_id="scheduled__2026-03-02",
        terminal_type="FAIL",
        nominal_start_at=NOW - HOUR,
        nominal_end_at=NOW,
        attempt=2,
        max_attempts=3,
        map_index=0,
        parent_run_id=parent,
        parent_job_namespace="prod",
        parent_job_name="shop",
        root_run_id=root,
        error_message="relation \ufffd does not exist",
    )
    shown = read(f"runs/{run.id}")
    known = {
        "state": "FAILED",
        "started_at": "2026-03-02T12:00:00Z",
        "ended_at": "2026-03-02T13:00:00Z",
        "duration_ms": 3_600_000,
        "nominal_start_at": "2026-03-02T11:00:00Z",
        "nominal_end_at": "2026-03-02T12:00:00Z",
        "parent": {"run_id": str(parent), "connection_id": None, "job": {"namespace": "prod", "name": "shop"}},
        "root": {"run_id": str(root), "connection_id": None, "job": None},
        "attempt": 2,
        "max_attempts": 3,
        "map_index": 0,
        "external_id": "scheduled__2026-03-02",
        "error_message": "relation \ufffd does not exist",
    }
    assert {name: shown[name] for name in known} == known


def test_of_how_many_tries_one_is_that_came_after_them_is_null(read: Read) -> None:
    run = make_run(make_job(make_connection()), attempt=4, max_attempts=3)
    found = read(f"runs/{run.id}")
    assert (found["attempt"], found["max_attempts"]) == (4, None)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"started_at": None, "first_event_at": NOW}, "COMPLETED"),
        ({"ended_at": None, "terminal_type": None}, "LOST"),
        ({"ended_at": NOW - HOUR, "terminal_type": "ABORT"}, "ABORTED"),
    ],
    ids=["no start", "not ended", "end before start"],
)
def test_a_duration_that_is_not_known_is_null(read: Read, fields: dict[str, Any], state: str) -> None:
    run = make_run(make_job(make_connection()), **fields)
    shown = read(f"runs/{run.id}")
    assert (shown["state"], shown["duration_ms"]) == (state, None)


def test_the_end_of_a_task_that_sent_none_is_what_its_dag_run_tells(read: Read) -> None:
    job, above = make_job(make_connection()), uuid4()
    run = make_run(job, parent_run_id=above, ended_at=None, terminal_type=None)
    make_run(
        job,
        parent_run_id=above,
        active=False,
        terminal_type=None,
        started_at=None,
        ended_at=None,
        first_event_at=NOW + HOUR,
        state_from_parent="FAILED",
        duration_from_parent_ms=1500,
    )

    shown = read(f"runs/{run.id}")
    assert (shown["state"], shown["ended_at"], shown["duration_ms"]) == ("FAILED", "2026-03-02T12:00:01.500000Z", 1500)
    [listed] = read(f"jobs/{job.id}/runs")["results"]
    assert {name: shown[name] for name in ("state", "ended_at", "duration_ms")}.items() <= listed.items()


def test_runs_go_from_the_newest_and_show_what_each_one_shows(read: Read) -> None:
    connection = make_connection()
    job, other = make_job(connection, "orders"), make_job(connection, "customers")
    make_run(make_job(make_connection("another")))
    old, new = make_run(job, started_at=NOW - HOUR), make_run(job)
    startless = make_run(other, started_at=None, first_event_at=NOW - HOUR / 2)

    def ids(path: str) -> list[str]:
        return [run["id"] for run in read(path)["results"]]

    assert ids(f"connections/{connection.pk}/runs") == [str(new.id), str(startless.id), str(old.id)]
    assert ids(f"jobs/{job.id}/runs") == [str(new.id), str(old.id)]
    [first, *_] = read(f"jobs/{job.id}/runs")["results"]
    assert {**first, **NOTHING_MORE} == read(f"runs/{new.id}")


def test_a_run_that_was_sent_twice_is_listed_once_and_found_by_either_id(read: Read) -> None:
    job, invocation = make_job(make_connection(), "dbt-run-shop"), uuid4()
    first = make_run(job, invocation_id=invocation)
    again = make_run(job, invocation_id=invocation, started_at=NOW + HOUR, ended_at=NOW + HOUR)
    assert [run["id"] for run in read(f"jobs/{job.id}/runs")["results"]] == [str(first.id)]
    assert [read(f"runs/{run.id}")["shown_instead"] for run in (first, again)] == [None, str(first.id)]


def test_a_run_that_lists_do_not_show_is_lost_as_others_are(read: Read) -> None:
    job, invocation = make_job(make_connection()), uuid4()
    no_end = {"terminal_type": None, "ended_at": None, "invocation_id": invocation}
    first, again = make_run(job, **no_end), make_run(job, **no_end, started_at=NOW + HOUR)
    assert [run["id"] for run in read(f"jobs/{job.id}/runs")["results"]] == [str(first.id)]
    assert [read(f"runs/{run.id}")["state"] for run in (first, again)] == ["LOST", "LOST"]


def test_filters(read: Read) -> None:
    connection = make_connection()
    task, dag = make_job(connection, "task", kind="TASK"), make_job(connection, "dag", kind="DAG")
    failed = make_run(task, terminal_type="FAIL")
    completed = make_run(dag, started_at=NOW - HOUR)

    def found(path: str, **query: str) -> set[str]:
        return {run["id"] for run in read(path, **query)["results"]}

    runs = f"connections/{connection.pk}/runs"
    assert found(runs, state="FAILED") == {str(failed.id)}
    assert found(runs, kind="DAG") == {str(completed.id)}
    assert found(runs, kind="MODEL") == set()
    assert found(runs, started_after="2026-03-02T12:00:00Z") == {str(failed.id)}
    assert found(runs, started_before="2026-03-02T12:00:00Z") == {str(completed.id)}
    assert found(runs, started_before="2026-03-02T14:00:00+02:00") == {str(completed.id)}
    assert found(runs, started_after="2026-03-02T11:00:00", kind="DAG", state="COMPLETED") == {str(completed.id)}
    assert found(f"jobs/{task.id}/runs", state="FAILED") == {str(failed.id)}
    assert found(f"jobs/{task.id}/runs", state="COMPLETED") == set()


def test_filters_by_job_and_duration(read: Read) -> None:
    connection = make_connection()
    short = make_run(make_job(connection, "shop.Orders"), ended_at=NOW + timedelta(seconds=5))
    long = make_run(make_job(connection, "orders 100%"))
    began = {"terminal_type": None, "ended_at": None}
    running = make_run(make_job(connection, "customers"), **began, started_at=timezone.now() - HOUR)
    # Lost: how long it ran is not known.
    make_run(make_job(connection, "payments"), **began)

    def found(path: str, **query: str) -> set[str]:
        return {run["id"] for run in read(path, **query)["results"]}

    for path in (f"connections/{connection.pk}/runs", "runs"):
        assert found(path, search="ORDERS") == {str(short.id), str(long.id)}
        assert found(path, search="100%") == {str(long.id)}
        assert found(path, min_duration_ms="3600000", search="orders") == {str(long.id)}
        assert found(path, min_duration_ms="5001") == {str(long.id), str(running.id)}
        for wrong in ("-1", "1.5", "x", "1e30"):
            assert "min_duration_ms" in read(path, 400, min_duration_ms=wrong)["error"]["detail"]
    assert found(f"jobs/{short.job_id}/runs", min_duration_ms="5000") == {str(short.id)}


def test_filter_by_what_the_orchestrator_calls_a_run(read: Read) -> None:
    dag, other = make_job(make_connection("one"), "dag"), make_job(make_connection("two"), "other")
    name = "scheduled__2026-03-02T12:00:00+00:00"
    run, twin = make_run(dag, orchestrator_run_id=name), make_run(other, orchestrator_run_id=name)
    make_run(dag)
    make_run(dag, orchestrator_run_id=name[:-1])

    def found(path: str, text: str = name) -> set[str]:
        return {run["id"] for run in read(path, orchestrator_run_id=text)["results"]}

    assert found("runs") == {str(run.id), str(twin.id)}
    assert found(f"connections/{dag.connection_id}/runs") == found(f"jobs/{dag.id}/runs") == {str(run.id)}
    assert found("runs", name[:-2]) == found("runs", f" {name}") == set()
    assert "orchestrator_run_id" in read("runs", 400, orchestrator_run_id="x" * 251)["error"]["detail"]
    assert read(f"runs/{run.id}")["orchestrator_run_id"] == name


def test_runs_of_all_connections(read: Read) -> None:
    one, two = make_connection("one"), make_connection("two")
    removed = make_connection("removed", removed_at=NOW)
    make_run(make_job(removed))
    run_id = uuid4()
    old = make_run(make_job(one), started_at=NOW - HOUR)
    for connection in (one, two):
        make_run(make_job(connection), id=run_id)

    def found(**query: str) -> list[tuple[str, str]]:
        page = read("runs", **query)
        return [(run["connection_id"], run["id"]) for run in page["results"]]

    twins = [(str(id_), str(run_id)) for id_ in sorted((one.pk, two.pk), reverse=True)]
    assert found() == [*twins, (str(one.pk), str(old.id))]
    assert found(connection_id=str(two.pk)) == [(str(two.pk), str(run_id))]
    assert found(connection_id=str(removed.pk)) == []
    assert "connection_id" in read("runs", 400, connection_id="one")["error"]["detail"]
    first = read("runs", page_size="1")
    assert [run["connection_id"] for run in first["results"]] == [twins[0][0]]
    cursor = first["next"].split("cursor=")[1].split("&")[0]
    assert found(page_size="1", cursor=cursor) == [twins[1]]


@pytest.fixture
def three_holders() -> tuple[UUID, list[str]]:
    """A run id that three connections hold, and their ids: first the one whose run was last active."""
    run_id = uuid4()
    jobs = [make_job(make_connection(name)) for name in ("one", "two", "three")]
    for job, last_event_at in zip(jobs, (NOW, NOW + HOUR, NOW), strict=True):
        make_run(job, id=run_id, last_event_at=last_event_at)
    one, two, three = (job.connection_id for job in jobs)
    return run_id, [str(two), *map(str, sorted([one, three]))]


def test_of_several_runs_with_one_id_the_last_active_is_given(
    db: None, read: Read, three_holders: tuple[UUID, list[str]]
) -> None:
    run_id, (latest, *others) = three_holders
    shown = read(f"runs/{run_id}")
    assert (shown["connection_id"], shown["other_connections"]) == (latest, others)


def test_of_several_runs_with_one_id_one_can_be_chosen(
    db: None, read: Read, three_holders: tuple[UUID, list[str]]
) -> None:
    run_id, (latest, *others) = three_holders
    shown = read(f"runs/{run_id}", connection_id=others[1].upper())
    assert (shown["connection_id"], shown["other_connections"]) == (others[1], sorted([latest, others[0]]))
    read(f"runs/{run_id}", 404, connection_id=str(uuid4()))
    assert "connection_id" in read(f"runs/{run_id}", 400, connection_id="one")["error"]["detail"]


def test_a_removed_connections_run_is_gone(read: Read) -> None:
    run_id = uuid4()
    removed = make_connection("removed", removed_at=NOW)
    make_run(make_job(removed), id=run_id, last_event_at=NOW + timedelta(days=1))
    read(f"runs/{run_id}", 404)
    kept = make_run(make_job(make_connection("kept")), id=run_id)
    shown = read(f"runs/{run_id}")
    assert (shown["connection_id"], shown["other_connections"]) == (str(kept.connection_id), [])
    read(f"runs/{run_id}", 404, connection_id=str(removed.pk))


def test_an_id_that_nothing_has(read: Read) -> None:
    read(f"runs/{uuid4()}", 404)
    read(f"runs/{uuid4()}/events", 404)


def test_rows_are_made_as_the_database_makes_them(db: None) -> None:
    """The helper of these tests: state and run_at come from the database, whatever a test says."""
    job = make_job(make_connection())
    save_runs([build_run(job, terminal_type="FAIL")])
    assert [(run.state, run.run_at) for run in Run.objects.all()] == [("FAILED", NOW)]
