"""A run's page: what it says of a run, what it reads of its events, and that it stays quick and honest."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lineage.models import Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, Sender, make_sender

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_built_events")]

RUN = "00000000-0000-0000-0000-000000000001"
PARENT = "00000000-0000-0000-0000-0000000000aa"
SCHEMA = {"_producer": "https://example.com/producer", "_schemaURL": "https://example.com/schema"}


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def child(number: int) -> str:
    return f"00000000-0000-0000-0001-{number:012}"


def get(client: Client, sender: Sender, run: str = RUN, query: str = "", **headers: str) -> Any:
    return client.get(f"/connections/{sender.connection.pk}/runs/{run}{query}", headers=headers)


def html_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def failure(message: str = "Boom.", **facet: Any) -> dict[str, Any]:
    return {"errorMessage": {**SCHEMA, "message": message, "programmingLanguage": "python", **facet}}


def parent(run: str = PARENT, job: str = "shop") -> dict[str, Any]:
    return {"parent": {**SCHEMA, "run": {"runId": run}, "job": {"namespace": "namespace", "name": job}}}


def attempt(number: int, of: int = 3) -> dict[str, Any]:
    return {"airflow": {**SCHEMA, "taskInstance": {"try_number": number}, "task": {"retries": of - 1}}}


# --- What became of it ---------------------------------------------------------------------------------------------


def test_a_failed_run_says_when_how_long_and_why(as_editor: Client, sender: Sender) -> None:
    trace = 'Traceback (most recent call last):\n  File "d1.py", line 3\nValueError: <b>no</b>'
    sender.send(
        run_event("START", at(0), run_facets=attempt(2)),
        run_event("FAIL", at(200), run_facets=failure("no orders", stackTrace=trace)),
    )
    response = get(as_editor, sender)
    shown = text_of(response)
    assert "What became of it Failed It was attempt 2 of 3; no later one was received. no orders" in shown
    assert "Duration 3 min 20 s" in shown
    assert "2026-11-20 12:00:00 UTC" in shown
    assert "attempt 2 of 3" in shown
    assert "no orders" in shown
    assert trace in unescape(html_of(response))
    assert "<b>no</b>" not in html_of(response)


def test_a_duration_is_compared_with_the_jobs_median(as_viewer: Client, sender: Sender) -> None:
    for number, seconds in enumerate((50, 60, 60, 70)):
        start = 100 * number
        sender.send(
            run_event("START", at(start), run=child(number)),
            run_event("COMPLETE", at(start + seconds), run=child(number)),
        )
    sender.send(run_event("START", at(1000)), run_event("COMPLETE", at(1180)))
    assert "Duration 3 min 3.0 \N{MULTIPLICATION SIGN} the median of 1 min" in text_of(get(as_viewer, sender))


def test_without_a_start_nothing_is_invented(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("COMPLETE", at(10)))
    shown = text_of(get(as_viewer, sender))
    assert "Completed Times and relatives Duration unknown Started no START received" in shown


def test_a_running_run_refreshes_and_is_not_sent_twice(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("START", at(0)))
    fragment = {"HX-Request": "true", "HX-Target": "run"}
    first = get(as_viewer, sender, **fragment)
    assert "data-live" in html_of(first)
    assert "<html" not in html_of(first)
    assert get(as_viewer, sender, **fragment, **{"If-None-Match": first["ETag"]}).status_code == 304
    sender.send(run_event("FAIL", at(60), run_facets=failure()))
    assert "Boom." in html_of(get(as_viewer, sender, **fragment, **{"If-None-Match": first["ETag"]}))


def test_it_says_what_the_orchestrator_calls_it(as_viewer: Client, sender: Sender) -> None:
    of_dag, of_task, of_dbt = (
        {"jobType": {"jobType": type_, "integration": integration}}
        for type_, integration in (("DAG", "AIRFLOW"), ("TASK", "AIRFLOW"), ("JOB", "DBT"))
    )
    invocation = {"dbt_run": {"invocation_id": child(9)}}
    said = {"airflowDagRun": {"dagRun": {"run_id": "manual__2026-11-20T12:00:00+00:00", "start_date": at(0)}}}
    sender.send(
        run_event("START", run=PARENT, job="shop", run_facets=said, job_facets=of_dag),
        run_event("START", run_facets=parent() | attempt(1), job="shop.load", job_facets=of_task),
        run_event("START", run=child(1), job="dbt-run-shop", run_facets=invocation, job_facets=of_dbt),
    )
    # A task's is that of its DAG run, as on Airflow's own pages.
    for run in (PARENT, RUN):
        assert f"Airflow run id manual__2026-11-20T12:00:00+00:00 Run id {run}" in text_of(get(as_viewer, sender, run))
    assert f"dbt invocation id {child(9)}" in text_of(get(as_viewer, sender, child(1)))


# --- Its relatives -------------------------------------------------------------------------------------------------


def test_tries_of_a_task_are_linked_and_the_failed_one_says_that_it_was_retried(
    as_viewer: Client, sender: Sender
) -> None:
    for number, end in ((1, "FAIL"), (2, "COMPLETE")):
        facets = {**parent(), **attempt(number)}
        sender.send(
            run_event("START", at(100 * number), run=child(number), job="shop.load", run_facets=facets),
            run_event(end, at(100 * number + 50), run=child(number), job="shop.load", run_facets=facets),
        )
    sender.send(run_event("START", at(0), run=PARENT, job="shop"))
    shown = html_of(get(as_viewer, sender, child(1)))
    assert f'/runs/{child(2)}">Try 2' in shown
    assert f'/runs/{PARENT}">shop</a>' in shown
    timeline = text_of(get(as_viewer, sender, PARENT))
    assert "load try 2 of 3, after 1 Completed 1 h ago" in timeline


def test_links_lead_into_the_other_connection(as_viewer: Client, sender: Sender) -> None:
    """dbt under Airflow: the child's parent was received with another connection's key."""
    dbt = make_sender()
    sender.send(run_event("START", at(0), run=PARENT, job="shop"))
    dbt.send(run_event("START", at(1), job="dbt-run-shop", run_facets=parent()))
    assert f"/connections/{sender.connection.pk}/runs/{PARENT}" in html_of(get(as_viewer, dbt))
    above = get(as_viewer, sender, PARENT)
    assert f"/connections/{dbt.connection.pk}/runs/{RUN}" in html_of(above)
    assert "dbt-run-shop in another connection" in text_of(above)
    # A run of the same id under another job is somebody else's.
    other = make_sender()
    other.send(run_event("START", at(1), job="unrelated", run=child(7), run_facets=parent(job="other")))
    assert child(7) not in html_of(get(as_viewer, sender, PARENT))


def test_a_try_beyond_the_retries_stands_alone(as_viewer: Client, sender: Sender, sample_lines: Any) -> None:
    """Airflow goes on counting the tries of a task that somebody cleared."""
    sender.send(*sample_lines("airflow-fidelity"))
    again = Run.objects.get(connection=sender.connection, job__name="cleared_after_a_failure.load", attempt=2)
    assert "attempt 2, in" in text_of(get(as_viewer, sender, str(again.run_id)))
    timeline = text_of(get(as_viewer, sender, str(again.parent_run_id)))
    assert "load try 2 Completed" in timeline
    assert "try 2 of 1" not in timeline


# --- What its events say -------------------------------------------------------------------------------------------


def test_facets_are_the_union_and_the_last_one_stands(as_viewer: Client, sender: Sender) -> None:
    facets: list[dict[str, Any]] = [
        {"kept": {"a": "first"}, "changed": {"b": "old"}, "removed": {"c": "gone"}},
        {"changed": {"b": "new"}, "removed": {"_deleted": True}},
    ]
    # In the other order of arrival: the sender's clock decides.
    sender.send(run_event("COMPLETE", at(9), run_facets=facets[1]))
    sender.send(run_event("START", at(0), run_facets=facets[0]))
    shown = text_of(get(as_viewer, sender))
    assert "changed run b new" in shown
    assert "kept run a first" in shown
    assert "old" not in shown
    assert "removed" not in shown


def test_a_broken_facet_is_told_not_hidden(as_viewer: Client, sender: Sender) -> None:
    facets = {"errorMessage": {"message": 5}, "nominalTime": "today"}
    sender.send(run_event("FAIL", at(0), run_facets=facets))
    shown = text_of(get(as_viewer, sender))
    assert "run.facets.errorMessage.message Expected text, got a number" in shown
    assert "run.facets.nominalTime Expected an object, got text" in shown
    assert "today" in shown
    assert "gave no reason" not in shown


def test_an_error_is_shown_without_the_codes_that_colour_it(as_editor: Client, sender: Sender) -> None:
    error = {"message": "\x1b[31mBoom.\x1b[0m", "stackTrace": "\x1b[0;31mat line 3\x1b[0m"}
    sender.send(run_event("FAIL", at(0), run_facets={"errorMessage": error}))
    html = html_of(get(as_editor, sender))
    assert re.findall(r"<pre[^>]*>([^<]*)</pre>", html)[:2] == ["Boom.", "at line 3"]
    assert Run.objects.get().error_message == "Boom."


def test_row_counts_and_test_results(as_viewer: Client, sender: Sender) -> None:
    assertions = [
        {"assertion": "unique", "success": True, "column": "id"},
        {"assertion": "not_null", "success": False, "actual": "3", "expected": "0"},
    ]
    written = {**dataset("orders"), "outputFacets": {"outputStatistics": {"rowCount": 12345, "size": 2048}}}
    read = {**dataset("raw"), "inputFacets": {"dataQualityAssertions": {"assertions": assertions}}}
    sender.send(run_event("COMPLETE", at(0), inputs=[read], outputs=[written]))
    shown = text_of(get(as_viewer, sender))
    assert "orders warehouse Written 12,345 2.0 KB" in shown
    assert shown.index("Failed not_null raw 3 0") < shown.index("Passed unique raw.id")


def test_tests_that_dbt_skipped_are_no_failures(
    as_viewer: Client, sender: Sender, sample_lines: Any, sample_events: Any
) -> None:
    sender.send(*sample_lines("dbt-build-fail"))
    runs = {event["job"]["name"]: event["run"]["runId"] for event in sample_events("dbt-build-fail")}
    shown = text_of(get(as_viewer, sender, runs["shop.main.shop.customers.build.test"]))
    assert "2 skipped" in shown
    assert "Skipped not_null_customers_customer_id" in shown
    assert "1 failed, 2 passed" in text_of(get(as_viewer, sender, runs["shop.main.shop.stg_orders.build.test"]))


def dbt_run(node: str, kind: str, **run_facets: Any) -> bytes:
    said = {"jobType": {"jobType": kind, "integration": "DBT"}, "dbt_node": {"unique_id": node}}
    return run_event("FAIL", at(0), run=PARENT, job=node, run_facets=run_facets, job_facets=said)


def test_why_dbt_does_not_say_what_went_wrong(as_viewer: Client, sender: Sender) -> None:
    hint = "By default dbt-ol sends no error messages."
    sender.send(dbt_run("model.shop.orders", "MODEL"))
    assert hint in text_of(get(as_viewer, sender, PARENT))
    sender.send(dbt_run("model.shop.orders", "MODEL", errorMessage={"message": "no such table"}))
    assert hint not in text_of(get(as_viewer, sender, PARENT))


def test_a_test_that_is_a_query_shows_what_it_found(as_viewer: Client, sender: Sender) -> None:
    test = {"name": "test.shop.no_refunds", "status": "fail", "actual": "2", "expected": "0", "severity": "error"}
    sender.send(dbt_run("test.shop.no_refunds", "TEST", test={"tests": [test]}))
    shown = text_of(get(as_viewer, sender, PARENT))
    assert "1 failed" in shown
    assert "Failed test.shop.no_refunds 2 0" in shown
    assert "dbt-ol sends no error messages" not in shown


def test_a_run_that_was_sent_again_leads_to_the_one_that_is_shown(as_viewer: Client, sender: Sender) -> None:
    facets = {"jobType": {"jobType": "JOB", "integration": "DBT"}}
    for run, time in ((PARENT, 0), (child(1), 60)):
        said = {"dbt_run": {"invocation_id": child(9)}}
        sender.send(run_event("COMPLETE", at(time), run=run, job="dbt-run-shop", run_facets=said, job_facets=facets))
    assert f'/runs/{PARENT}">the one that lists show</a>' in html_of(get(as_viewer, sender, child(1)))
    assert "Sent again" not in text_of(get(as_viewer, sender, PARENT))


def test_events_that_arrived_out_of_order_are_marked(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("START", at(0)), now=NOW)
    assert "out of order" not in text_of(get(as_viewer, sender))
    sender.send(run_event("COMPLETE", at(9)), now=NOW + timedelta(seconds=1))
    assert "out of order" not in text_of(get(as_viewer, sender))
    sender.send(run_event("RUNNING", at(5)), now=NOW + timedelta(seconds=2))
    shown = text_of(get(as_viewer, sender))
    assert "Events arrived out of order" in shown
    assert "RUNNING arrived after a later one" in shown


def test_an_event_is_shown_and_downloaded_as_it_came(as_viewer: Client, sender: Sender) -> None:
    body = run_event("START", at(0), run_facets={"odd": {"nul": "\0", "tag": "<script>"}})
    sender.send(body)
    page = html_of(get(as_viewer, sender))
    (path,) = re.findall(r'href="([^"]*/events/[^"]*)\.json"', page)
    assert as_viewer.get(f"{path}.json").content == body
    assert "attachment" in as_viewer.get(f"{path}.json")["Content-Disposition"]

    def shown(query: str) -> str:
        html = html_of(as_viewer.get(path + query))
        return unescape(re.findall(r'id="event-body"[^>]*>(.*?)</pre>', html, re.DOTALL)[0])

    assert shown("?as=received") == body.decode()
    assert '"odd": {\n        "nul": "\\u0000",\n        "tag": "<script>"' in shown("")
    assert json.loads(shown("")) == json.loads(body)
    assert as_viewer.get(path.replace(RUN, child(1))).status_code == 404


def test_all_samples_are_shown(as_viewer: Client, sender: Sender, sample_lines: Any) -> None:
    sender.send(*sample_lines())
    for run in Run.objects.of(sender.connection):
        # Instances of a mapped task may share a run id.
        index = "" if run.map_index is None else f"&map_index={run.map_index}"
        page = get(as_viewer, sender, str(run.run_id), f"?job={run.job_id}{index}")
        assert f"{run.event_count} event" in text_of(page)


# --- Large runs ----------------------------------------------------------------------------------------------------


def test_a_large_run_is_read_in_part_and_says_so(as_viewer: Client, sender: Sender) -> None:
    huge = run_event("COMPLETE", at(9), run_facets={"plan": {"text": "x" * 3_000_000}})
    sender.send(run_event("START", at(0), run_facets={"small": {"a": 1}}), huge)
    response = get(as_viewer, sender)
    assert "from 1 of them so far" in text_of(response)
    assert len(response.content) < 100_000
    assert "small run" in text_of(response)
    full = get(as_viewer, sender, query="?read=all")
    assert "plan run" in text_of(full)
    assert "so far" not in text_of(full)
    assert len(full.content) < 100_000


def test_the_error_of_a_long_run_is_read_first(as_editor: Client, sender: Sender) -> None:
    middle = [run_event("RUNNING", at(n)) for n in range(1, 300)]
    failed = run_event("FAIL", at(150.5), run_facets=failure(stackTrace="line 7"))
    sender.send(run_event("START", at(0)), *middle, failed)
    assert "line 7" in text_of(get(as_editor, sender))


def test_as_many_queries_for_thirty_of_each_as_for_one(as_viewer: Client, sender: Sender) -> None:
    def add(number: int) -> None:
        outputs = [dataset(f"t{n}") for n in range(number)]
        start = run_event("RUNNING", at(number), run=PARENT, job="shop", outputs=outputs, run_facets=attempt(1))
        sender.send(start, run_event("START", at(number), run=child(number), job="shop.t", run_facets=parent()))

    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            html_of(get(as_viewer, sender, PARENT))
        return len(captured)

    add(1)
    few = queries()
    for number in range(2, 31):
        add(number)
    assert queries() == few


# --- Runs that are not there ---------------------------------------------------------------------------------------


def test_a_run_that_never_came_says_why(as_viewer: Client, sender: Sender) -> None:
    response = get(as_viewer, sender, child(5))
    assert response.status_code == 404
    assert "sent no event of this run" in text_of(response)
    other = make_sender()
    other.send(run_event("START", at(0), run=child(5)))
    assert f"/connections/{other.connection.pk}/runs/{child(5)}" in get(as_viewer, sender, child(5)).content.decode()


def test_a_run_that_is_known_as_a_parent_alone_is_a_placeholder(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("START", at(0), job="shop.load", run_facets=parent()))
    assert f'/runs/{PARENT}">shop</a>' in html_of(get(as_viewer, sender))
    response = get(as_viewer, sender, PARENT)
    assert response.status_code == 404
    assert "shop" in text_of(response)
    assert f"/runs/{RUN}" in response.content.decode()


def test_a_removed_connections_runs_are_gone(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("START", at(0)))
    type(sender.connection).objects.filter(pk=sender.connection.pk).update(removed_at="2026-11-20T13:00:00Z")
    response = get(as_viewer, sender)
    assert response.status_code == 404
    assert "/jobs/" not in response.content.decode()


@pytest.mark.parametrize(("version", "is_noted"), [("1.30.1", True), ("1.54.0", False)])
def test_tests_of_an_old_dbt_ol_may_not_have_failed(
    as_viewer: Client, sender: Sender, version: str, is_noted: bool
) -> None:
    """Versions before 1.47 send one result for tests that failed, warned or were skipped."""
    failed = {"assertion": "not_null", "success": False, "column": "id", "actual": "1", "expected": "0"}
    sender.send(
        run_event(
            "FAIL",
            job="db.main.shop.orders.test",
            job_facets={"jobType": {"jobType": "TEST", "integration": "DBT"}},
            inputs=[dataset("orders", dataQualityAssertions={"assertions": [failed]})],
            producer=f"https://github.com/OpenLineage/OpenLineage/tree/{version}/integration/dbt",
        )
    )
    note = "dbt-ol before 1.47 sends tests that only warned or were skipped as failed ones"
    assert (note in text_of(get(as_viewer, sender))) == is_noted
