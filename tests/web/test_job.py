"""The page of a job: what it says of now, of how it went, of its runs, datasets and children."""

import re
import uuid
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.models import Edge, Job, Run, RunState
from tests.api.rows import NOW, build_run, make_job
from tests.lineage.dataset_rows import save_dataset
from tests.lineage.settling import save_runs
from tests.web.rows import make_connection
from web.runs import table as run_table

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection() -> Connection:
    return make_connection("Airflow")


def add_runs(job: Job, *runs: dict[str, Any]) -> list[Run]:
    """Each an hour before the one that follows, the last an hour ago; each took as many minutes as `lasts` says,
    None: it is running."""
    made = []
    for number, fields in enumerate(runs):
        started_at = NOW - (len(runs) - number) * HOUR
        lasts = fields.pop("lasts", 1)
        ended_at = None if lasts is None else started_at + lasts * MINUTE
        terminal = {"terminal_type": None} if lasts is None else {}
        made.append(build_run(job, **{"started_at": started_at, "ended_at": ended_at, **terminal, **fields}))
    return save_runs(made)


def get(client: Client, job: Job, query: str = "", **headers: str) -> Any:
    return client.get(f"/connections/{job.connection_id}/jobs/{job.id}{query}", headers=headers)


def html_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def part(response: Any, pattern: str) -> str:
    return text_of(re.findall(pattern, html_of(response), re.DOTALL)[0])


def story(response: Any) -> str:
    return part(response, r'class="job-story">(.*?)</p>')


def run_rows(response: Any) -> list[str]:
    return [text_of(row) for row in re.findall(r'<tr id="run-.*?</tr>', html_of(response), re.DOTALL)]


FAIL = {"terminal_type": "FAIL"}
NO_START = {"started_at": None, "first_event_at": NOW}


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([{"lasts": 3}], "Completed The latest run completed in 3 min."),
        ([{}, {}, {"lasts": 3}], "Completed The latest run completed in 3 min, longer than 95 % of its runs"),
        ([{"lasts": 4}, {"lasts": 4}], "Completed The latest run completed in 4 min; the median is 4 min."),
        ([{"lasts": -3}], "Completed The latest run completed; its duration is not known."),
        ([{**FAIL, "event_count": 0}], "Failed The latest run failed after 1 min: its sender gave no reason"),
        ([{**FAIL}], "Failed The latest run failed after 1 min. Not all that its events say could be read."),
        (
            [{}, {**FAIL}, {**FAIL, "error_message": "Boom.\nat line 3"}],
            "Failed The latest 2 runs failed, the last one after 1 min: Boom.",
        ),
        ([{"lasts": None}], "Running It has been running for 1 h."),
        ([{"lasts": 90}, {"lasts": None}], "Running It has been running for 1 h. It usually takes 1 h 30 min."),
        (
            [{"lasts": 5}, {"lasts": None}],
            "Running It has been running for 1 h. That is longer than 95 % of its runs took",
        ),
        (
            [{"lasts": None, "started_at": None, "first_event_at": NOW}],
            "Running It is running; its start is not known.",
        ),
        ([{"terminal_type": "ABORT"}], "Aborted The latest run was aborted after 1 min."),
        ([{"lasts": None, "active": False}], "Unknown No event said how the latest run began or ended."),
    ],
)
def test_its_state_in_words(
    as_viewer: Client, connection: Connection, runs: list[dict[str, Any]], expected: str
) -> None:
    job = make_job(connection)
    add_runs(job, *(dict(run) for run in runs))
    assert story(get(as_viewer, job)).startswith(expected)


def test_a_lost_run_is_no_running_one(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(job, {"lasts": None, "started_at": NOW - 72 * HOUR})
    response = get(as_viewer, job)
    assert story(response).startswith(
        "Lost The latest run is lost. No event of it was received since 2026-02-27 12:00:00 UTC"
    )
    # There is no duration to draw.
    assert '<svg class="chart' not in html_of(response)
    assert f"Last heard of 3 days ago {NOW - 72 * HOUR:%Y-%m-%d}" in run_rows(response)[0]


def test_a_job_that_never_ran(as_viewer: Client, connection: Connection) -> None:
    response = get(as_viewer, make_job(connection))
    assert story(response) == "No run yet It has not run yet: events described the job, but none was about a run."
    assert "No runs yet" in text_of(html_of(response))
    assert '<svg class="chart' not in html_of(response)


def test_what_it_is(as_viewer: Client, connection: Connection) -> None:
    parent = make_job(connection, "shop", kind="DAG")
    job = make_job(
        connection,
        "shop.load",
        kind="TASK",
        integration="AIRFLOW",
        processing_type="BATCH",
        description="Loads <orders>",
        owners=["ada", "team:data"],
        tags=["daily"],
        schedule="0 3 * * *",
        schedule_timezone="UTC",
        source_url="https://example.com/shop.py",
        parent_job_id=parent.id,
        parent_job_namespace="prod",
        parent_job_name="shop",
    )
    response = get(as_viewer, job)
    facts = part(response, r'<dl class="job-facts">(.*?)</dl>')
    assert facts == (
        "Kind Task Integration Airflow Processing Batch Namespace prod Schedule 0 3 * * * (UTC) Owners ada, team:data "
        "Tag daily Part of shop Source https://example.com/shop.py"
    )
    assert "Loads &lt;orders&gt;" in html_of(response)
    assert f'href="/connections/{connection.pk}/jobs/{parent.id}"' in html_of(response)


def test_a_parent_that_was_never_heard_from(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection, parent_job_id=uuid.uuid4(), parent_job_namespace="x", parent_job_name="elsewhere")
    assert "Part of elsewhere" in part(get(as_viewer, job), r'<dl class="job-facts">(.*?)</dl>')


def test_the_states_of_thousands_of_runs_are_not_counted(
    as_viewer: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(connection)
    add_runs(job, {"terminal_type": "ABORT"}, {**FAIL}, {}, {}, {})

    def chips() -> list[str]:
        found = re.findall(r'<a class="chip".*?</a>', html_of(get(as_viewer, job)), re.DOTALL)
        return [text_of(chip) for chip in found]

    assert chips() == ["All 5", "Completed 3", "Failed 1", "Aborted 1"]
    monkeypatch.setattr(run_table, "MOST_COUNTED", 4)
    # There may be others among the earlier ones.
    assert chips() == ["All", *(str(state.label) for state in RunState)]


def test_figures(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(job, {"lasts": 2}, {"lasts": 2}, {"lasts": 4}, {**FAIL}, {"lasts": None})
    figures = part(get(as_viewer, job), r'<dl class="card figures">(.*?)</dl>')
    assert (
        figures
        == "Succeeded 75 % 3 of 4 Failed 1 Median duration 2 min p95 duration 3 min 48 s Runs a day 5 Running now 1"
    )


def test_a_try_that_was_followed_by_another_is_no_failure(as_viewer: Client, connection: Connection) -> None:
    job, dag_runs = make_job(connection, kind="TASK"), [uuid.uuid4(), uuid.uuid4()]
    add_runs(job, *({**ends, "parent_run_id": d, "attempt": n} for d in dag_runs for n, ends in ((1, FAIL), (2, {}))))
    response = get(as_viewer, job)
    figures = part(response, r'<dl class="card figures">(.*?)</dl>')
    assert figures.startswith("Succeeded 100 % 2 of 2 Failed 0 2 more retried")
    assert "Runs a day 2" in figures
    assert [row.split()[0] for row in run_rows(response)] == ["Completed", "Retried"] * 2


def test_failures_in_a_row_are_counted_without_their_tries(as_viewer: Client, connection: Connection) -> None:
    job, dag_runs = make_job(connection, kind="TASK"), [uuid.uuid4(), uuid.uuid4()]
    add_runs(job, {}, *({**FAIL, "parent_run_id": d, "attempt": n} for d in dag_runs for n in (1, 2)))
    assert "The latest 2 runs failed, the last one after 1 min" in story(get(as_viewer, job))


def test_the_instances_of_a_mapped_task_fail_as_one(as_viewer: Client, connection: Connection) -> None:
    job, dag_runs = make_job(connection, kind="TASK"), [uuid.uuid4() for _ in range(3)]
    instances = [(dag_runs[0], {}), *((d, ends) for d in dag_runs[1:] for ends in (FAIL, {}, FAIL))]
    add_runs(job, *({**ends, "parent_run_id": d, "map_index": n} for n, (d, ends) in enumerate(instances)))
    assert "The latest 2 runs failed, the last one after 1 min" in story(get(as_viewer, job))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("SKIPPED", "Skipped The latest run was skipped. It was not to run this time."),
        ("UPSTREAM_FAILED", "Upstream failed The latest run failed upstream. It never ran: what it depends on failed."),
    ],
)
def test_a_task_that_did_not_run(as_viewer: Client, connection: Connection, state: str, expected: str) -> None:
    job = make_job(connection, kind="TASK")
    silent = {"active": False, "terminal_type": None, "started_at": None, "ended_at": None, "first_event_at": NOW}
    add_runs(job, {**silent, "state_from_parent": state, "parent_run_id": uuid.uuid4()})
    assert story(get(as_viewer, job)) == expected


def test_one_failure_among_many_is_not_rounded_away(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(job, {**FAIL}, *({} for _ in range(199)))
    assert "Succeeded 99.5 % 199 of 200" in text_of(html_of(get(as_viewer, job)))


def test_the_chart_and_its_table_say_the_same(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(job, {"lasts": 2}, {**FAIL}, {"started_at": None, "first_event_at": NOW})
    html = html_of(get(as_viewer, job))
    chart = re.findall(r'<svg class="chart chart-wide".*?</svg>', html, re.DOTALL)[0]
    titles = [
        "Completed, 2 min, 2026-03-02 09:00:00 UTC",
        "Failed, 1 min, 2026-03-02 10:00:00 UTC",
        "Completed, duration unknown, 2026-03-02 12:00:00 UTC",
    ]
    assert re.findall(r"<title>(.*?)</title>", chart) == titles
    assert re.findall(r'class="mark mark-(\w+)"', chart) == ["completed", "failed", "completed"]
    assert "Median 2 min p95 2 min" in text_of(re.findall(r'<ul class="chart-legend".*?</ul>', html, re.DOTALL)[0])
    table = text_of(re.findall(r'<details class="chart-figures".*?</details>', html, re.DOTALL)[0])
    assert "2026-03-02 12:00:00 UTC Completed unknown 2026-03-02 10:00:00 UTC Failed 1 min" in table


def test_the_runs_and_what_narrows_them(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(make_job(connection, "other"), {})
    add_runs(job, {"lasts": 30}, {**FAIL, "error_message": "Boom.", "attempt": 1}, {"lasts": None})
    rows = run_rows(get(as_viewer, job))
    assert [row.split()[0] for row in rows] == ["Running", "Failed", "Completed"]
    assert "Boom." in rows[1]
    assert [row.split()[0] for row in run_rows(get(as_viewer, job, "?state=FAILED"))] == ["Failed"]
    assert [row.split()[0] for row in run_rows(get(as_viewer, job, "?min=600"))] == ["Running", "Completed"]
    assert len(run_rows(get(as_viewer, job, "?to=2026-03-02T11:00"))) == 2
    # What tells jobs apart says nothing here.
    assert len(run_rows(get(as_viewer, job, f"?q=zzz&kind=SEED&connection={uuid.uuid4()}"))) == 3
    nothing = text_of(html_of(get(as_viewer, job, "?range=1h&min=86400")))
    assert "No run matches None is left under these filters." in nothing


def test_runs_are_reached_from_the_chart_its_table_and_the_list(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    [run] = add_runs(job, {})
    path = f"/connections/{connection.pk}/runs/{run.id}"
    # Of the chart the wide one and the narrow one; their marks are many, and not for the Tab key.
    assert html_of(get(as_viewer, job)).count(f'<a href="{path}" tabindex="-1">') == 2
    assert html_of(get(as_viewer, job)).count(f'href="{path}"') == 4


def test_a_run_is_called_as_its_orchestrator_calls_it_or_its_dag_run(as_viewer: Client, connection: Connection) -> None:
    dag, task = make_job(connection, "dag"), make_job(connection, "dag.load", kind="TASK")
    [above] = add_runs(dag, {"orchestrator_run_id": "manual__1"})
    assert run_rows(get(as_viewer, dag))[0].startswith("Completed manual__1 ")
    add_runs(task, {"parent_run_id": above.id, "map_index": 3, "attempt": 1}, {"parent_run_id": uuid.uuid4()})
    unknown, known = run_rows(get(as_viewer, task))
    assert known.startswith("Completed manual__1 map index 3 ")
    assert str(Run.objects.get(parent_run_id__isnull=False, attempt=None).id)[-12:] in unknown


def test_pages_of_runs(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(job, *({} for _ in range(51)))
    (older,) = re.findall(r'rel="next" href="([^"]*)"', html_of(get(as_viewer, job)))
    response = as_viewer.get(unescape(older))
    assert len(run_rows(response)) == 1
    assert 'rel="prev"' in html_of(response)


def add_edge(job: Job, name: str, direction: str, last: datetime = NOW) -> Edge:
    of = {"connection_id": job.connection_id}
    dataset = save_dataset(job.connection_id, name)
    hours = {"first_event_hour": last, "last_event_hour": last}
    return Edge.objects.create(id=uuid.uuid4(), job=job, dataset_id=dataset.id, direction=direction, **hours, **of)


def test_inputs_and_outputs_are_those_of_the_latest_run_that_named_any(
    as_viewer: Client, connection: Connection
) -> None:
    job = make_job(connection)
    old, current = add_edge(job, "old", "READS", NOW - 48 * HOUR), add_edge(job, "raw", "READS")
    written = add_edge(job, "clean", "WRITES")
    add_edge(make_job(connection, "other"), "theirs", "READS")
    add_runs(job, {"edge_ids": [old.id]}, {"edge_ids": [current.id, written.id]}, {"edge_ids": []})
    response = get(as_viewer, job)
    inputs = part(response, r'aria-labelledby="inputs-title">(.*?)</section>')
    assert inputs == "Inputs raw db old db last 2 days ago 2026-02-28 12:00:00 UTC"
    assert part(response, r'aria-labelledby="outputs-title">(.*?)</section>') == "Outputs clean db"
    assert len(re.findall(r'<li class="is-past">', html_of(response))) == 1


def test_who_may_see_it(client: Client, as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    assert get(client, job)["Location"].startswith("/sign-in?next=")
    assert as_viewer.post(f"/connections/{connection.pk}/jobs/{job.id}").status_code == 405
    other = make_connection("Other")
    assert as_viewer.get(f"/connections/{other.pk}/jobs/{job.id}").status_code == 404
    assert as_viewer.get(f"/connections/{connection.pk}/jobs/{uuid.uuid4()}").status_code == 404


def test_the_region_alone_with_its_etag(as_viewer: Client, connection: Connection) -> None:
    job = make_job(connection)
    add_runs(job, {})
    asked = {"HX-Request": "true", "HX-Target": "job"}
    fragment = get(as_viewer, job, "?state=COMPLETED", **asked)
    html = html_of(fragment)
    assert html.lstrip().startswith('<div id="job"')
    assert f'hx-get="/connections/{connection.pk}/jobs/{job.id}?state=COMPLETED"' in html
    again = get(as_viewer, job, "?state=COMPLETED", **asked, **{"If-None-Match": fragment["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_number_of_queries_does_not_grow_with_the_rows(as_viewer: Client, connection: Connection) -> None:
    def queries(amount: int) -> int:
        job = make_job(connection, f"with {amount}")
        edges = [add_edge(job, f"{amount}.{n}", "READS") for n in range(amount)]
        runs = add_runs(job, *({"edge_ids": [edge.id for edge in edges]} for _ in range(amount)))
        for number in range(amount):
            add_runs(make_job(connection, f"child {amount}.{number}"), {"parent_run_id": runs[-1].id})
        with CaptureQueriesContext(database) as found:
            assert len(run_rows(get(as_viewer, job))) == amount
        return len(found)

    assert queries(1) == queries(30)
