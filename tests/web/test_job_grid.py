"""The grid of runs and jobs on a job's page."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.models import Job, Run
from tests.api.rows import build_run, make_job
from tests.lineage.settling import save_runs
from tests.web.rows import make_connection
from tests.web.test_job import MINUTE, add_runs, get, html_of, part, text_of
from web.jobs.grid import column_labels

FAIL: dict[str, Any] = {"terminal_type": "FAIL"}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def dag() -> Job:
    return make_job(make_connection("Airflow"), "shop", kind="DAG")


def task(dag: Job, name: str, connection: Connection | None = None) -> Job:
    of = {} if connection else {"parent_job_id": dag.id, "parent_job_name": dag.name}
    return make_job(connection or dag.connection, name, kind="TASK", **of)


def add_child(job: Job, above: Run, after: int = 0, **fields: Any) -> Run:
    """Make a child run that began `after` minutes after the run above, and took a minute."""
    began = above.run_at + after * MINUTE
    values = {"started_at": began, "ended_at": began + MINUTE, "parent_job_name": "shop", **fields}
    return build_run(job, parent_run_id=above.run_id, **values)


def rows(response: Any) -> dict[str, list[str]]:
    """Return name of a job → what its cells say."""
    found = re.findall(r'<tr id="grid-.*?</tr>', html_of(response), re.DOTALL)
    cells = {text_of(re.findall(r"<th.*?</th>", row, re.DOTALL)[0]): row for row in found}
    said = r'<td><a [^>]*aria-label="([^"]*)"|<td><span[^>]*></span><span[^>]*>(no run)'
    return {name: [one or none for one, none in re.findall(said, row)] for name, row in cells.items()}


def test_cells_say_what_became_of_each_job_in_each_run(as_viewer: Client, dag: Job) -> None:
    first, last = add_runs(dag, {"lasts": 4}, {"lasts": 2, **FAIL, "orchestrator_run_id": "scheduled__2"})
    load, check, model = task(dag, "shop.load"), task(dag, "shop.check"), task(dag, "orders", make_connection("dbt"))
    mapped = [add_child(check, last, 1, map_index=n, **(FAIL if n == 2 else {})) for n in range(5)]
    tries = [add_child(load, last, n, attempt=n + 1, max_attempts=3, **({} if n else FAIL)) for n in range(2)]
    save_runs([add_child(load, first), *tries, *mapped, add_child(model, last, 2)])
    response = get(as_viewer, dag)
    assert rows(response) == {
        "load": [
            "load, 2026-03-02 10:00:00 UTC: completed, 1 min",
            "load, 2026-03-02 11:01:00 UTC: completed, 1 min, after 1 failed try",
        ],
        "check": ["no run", "check, 2026-03-02 11:01:00 UTC: 5 instances, 4 completed, 1 failed"],
        "orders": ["no run", "orders, 2026-03-02 11:02:00 UTC: completed, 1 min"],
    }
    # A cell leads to the instance that failed.
    assert f'/runs/{mapped[2].run_id}" aria-label="check' in html_of(response)
    assert 'aria-label="Run scheduled__2, 2026-03-02 11:00:00 UTC: failed, 2 min"' in html_of(response)
    assert part(response, r'id="grid-title">(.*?)</h2>') == "Last 2 runs, 2 Mar"
    narrowed = get(as_viewer, dag, "?grid=failing")
    assert list(rows(narrowed)) == ["check"]
    assert "Only failing 1" in text_of(html_of(narrowed))


def test_hidden_runs_are_left_out_but_their_child_runs_are_not(as_viewer: Client, dag: Job) -> None:
    """A command that was sent again has a run that is hidden; a child run that names that one is shown."""
    invocation = uuid.uuid4()
    [shown, again] = add_runs(dag, {"invocation_id": invocation}, {"invocation_id": invocation})
    assert (shown.is_hidden, again.is_hidden) == (False, True)
    save_runs([add_child(task(dag, "shop.load"), again)])
    assert [len(cells) for cells in rows(get(as_viewer, dag)).values()] == [1]


def test_rows_and_columns_are_bounded_and_failing_jobs_stay(as_viewer: Client, dag: Job) -> None:
    above = add_runs(dag, *({} for _ in range(30)))
    tasks = [task(dag, f"shop.{'t' * 110}{number:03}") for number in range(40)]
    save_runs([add_child(job, above[-1], n, **(FAIL if n == 39 else {})) for n, job in enumerate(tasks)])
    response = get(as_viewer, dag)
    found = rows(response)
    assert (len(found), {len(cells) for cells in found.values()}) == (30, {25})
    assert any(name.endswith("039") for name in found)
    assert "+10 more; of the failing ones none is left out. Show 40" in text_of(html_of(response))
    assert len(rows(get(as_viewer, dag, "?grid=all"))) == 40


def test_one_failure_among_more_instances_than_are_counted_is_found(as_viewer: Client, dag: Job) -> None:
    [above] = add_runs(dag, {})
    mapped = task(dag, "shop.mapped")
    save_runs(add_child(mapped, above, map_index=n, **(FAIL if n == 203 else {})) for n in range(205))
    response = get(as_viewer, dag)
    said = "mapped, 2026-03-02 11:00:00 UTC: 200 or more instances, at least one failed"
    assert rows(response) == {"mapped": [said]}


def test_a_job_whose_runs_started_none_has_no_grid(as_viewer: Client, dag: Job) -> None:
    add_runs(dag, {})
    task(dag, "shop.never")
    assert 'id="grid"' not in html_of(get(as_viewer, dag))


def test_as_many_queries_for_thirty_jobs_as_for_one(as_viewer: Client, dag: Job) -> None:
    above = add_runs(dag, *({"lasts": None} for _ in range(3)))

    def queries(jobs: int) -> int:
        tasks = [task(dag, f"shop.{jobs}.{number}") for number in range(jobs)]
        save_runs([add_child(job, run) for job in tasks for run in above])
        with CaptureQueriesContext(database) as found:
            get(as_viewer, dag)
        return len(found)

    assert queries(1) == queries(29)


def test_columns_are_labelled_by_what_differs_from_the_one_before() -> None:
    start = datetime(2026, 2, 28, 22, 30, tzinfo=UTC)
    times = [start + timedelta(minutes=minutes) for minutes in (0, 20, 40, 100, 1600)]
    assert column_labels(times) == ["28", "", "23h", "1", "2"]
    assert column_labels([]) == []


def test_runs_with_and_without_invocation_stand_in_one_grid(as_viewer: Client, dag: Job) -> None:
    """The sender's facet with the invocation may be broken in one run of many."""
    runs = add_runs(dag, {"invocation_id": uuid.uuid4()}, {}, {"invocation_id": uuid.uuid4()})
    save_runs([add_child(task(dag, "shop.load"), runs[1])])
    assert [len(cells) for cells in rows(get(as_viewer, dag)).values()] == [3]
