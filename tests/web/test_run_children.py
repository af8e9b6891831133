"""The runs that a run started, on its page: why, which failed first, thousands of them in pages."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from lineage.models import Event, Run
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.web.test_run import PARENT, child, failure, get, html_of, parent, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_built_events")]


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def test_tasks_that_sent_nothing_are_in_the_timeline(as_viewer: Client, sender: Sender) -> None:
    states = {"load": "failed", "clean": "skipped", "report": "upstream_failed", "begin": "success"}
    tasks = {"begin": {"downstream_task_ids": ["load"]}, "load": {"downstream_task_ids": ["report"]}}
    sender.send(
        run_event("START", at(0), run=PARENT, job="shop", job_facets={"airflow": {"tasks": tasks}}),
        run_event("START", at(1), run=child(1), job="shop.load", run_facets=parent()),
        run_event("FAIL", at(8), run=child(1), job="shop.load", run_facets=parent()),
        run_event("FAIL", at(9), run=PARENT, job="shop", run_facets={"airflowState": {"tasksState": states}}),
    )
    shown = text_of(get(as_viewer, sender, PARENT))
    assert "clean Skipped skipped by Airflow: a branch or a condition went another way" in shown
    assert "report Upstream failed never ran: load failed before it" in shown
    assert "begin Completed sent no events, as Airflow's empty operators do" in shown
    assert "load Failed 1 h ago" in shown
    # They are counted and chosen as the others are.
    assert "All 4 Failed 1 Upstream failed 1 Completed 1 Skipped 1" in shown
    chosen = get(as_viewer, sender, PARENT, "?state=UPSTREAM_FAILED")
    assert re.findall(
        r'<tr id="child-.*?class="row-link"[^>]*>\s*<span class="middle" title="(\w+)"', html_of(chosen), re.DOTALL
    ) == ["report"]


def test_a_reason_leads_to_the_run_that_it_names(as_viewer: Client, sender: Sender) -> None:
    tasks = {"load": {"downstream_task_ids": ["report"]}}
    sender.send(
        run_event("START", at(0), run=PARENT, job="shop", job_facets={"airflow": {"tasks": tasks}}),
        run_event("FAIL", at(8), run=child(1), job="shop.load", run_facets=parent()),
        run_event(
            "FAIL", at(9), run=PARENT, job="shop", run_facets=task_states(report="upstream_failed", load="failed")
        ),
    )
    reported_run = Run.objects.get(connection=sender.connection, job__name="shop.report")
    shown = html_of(get(as_viewer, sender, str(reported_run.run_id)))
    assert f'It never ran: <a href="/connections/{sender.connection.pk}/runs/{child(1)}">load</a> failed' in shown
    # An error that is only a word of Airflow's is told in words.
    above = text_of(get(as_viewer, sender, PARENT))
    assert "A task failed." in above
    assert "task_failure" not in above.partition("Facets")[0]


def test_the_page_of_a_task_that_never_ran_says_who_told_of_it(as_viewer: Client, sender: Sender) -> None:
    states = {"load": "failed", "report": "upstream_failed", "begin": "success"}
    sender.send(
        run_event("FAIL", at(8), run=child(1), job="shop.load", run_facets=parent()),
        run_event("FAIL", at(9), run=PARENT, job="shop", run_facets=task_states(**states)),
    )
    ids = dict(Run.objects.of(sender.connection).values_list("job__name", "run_id"))
    response = get(as_viewer, sender, ids["shop.report"])
    shown = text_of(response)
    assert "What became of it Upstream failed It never ran:" in shown
    assert "Duration \N{EN DASH} Started never ran Ended \N{EN DASH}" in shown
    assert "It sent no event: its DAG run told of it." in shown
    assert "<title>shop.report, 20 Nov 12:00: upstream failed" in html_of(response)
    assert f'<a href="/connections/{sender.connection.pk}/runs/{PARENT}">its DAG run</a>' in html_of(response)
    # An empty operator did what it was to do, at a time that nobody told.
    done = text_of(get(as_viewer, sender, ids["shop.begin"]))
    assert "Duration unknown Started no START received Ended unknown" in done
    assert "its DAG run told of it" in done
    assert "older than this Observatory keeps" not in shown + done


def test_events_that_are_no_longer_kept_are_missed(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("COMPLETE", at(9)))
    Event.objects.of(sender.connection).delete()
    shown = text_of(get(as_viewer, sender))
    assert "Its events are older than this Observatory keeps them" in shown
    assert "told of it" not in shown


def task_states(**states: str) -> dict[str, Any]:
    return {"airflowState": {"tasksState": states}, **failure("task_failure")}


def test_a_child_dag_run_that_failed_says_why_in_words(as_viewer: Client, sender: Sender) -> None:
    sender.send(
        run_event("START", at(0), run=PARENT, job="shop"),
        run_event("FAIL", at(8), run=child(1), job="orders", run_facets=parent() | failure("task_failure")),
    )
    shown = html_of(get(as_viewer, sender, PARENT))
    assert "A task failed" in shown
    assert "task_failure" not in shown
    assert 'class="job-error"' in shown
    assert 'id="failed-error' not in shown


def test_what_failed_first_stands_above_thousands_of_others(as_viewer: Client, sender: Sender) -> None:
    for number in range(70):
        name, fails = f"shop.t{number}", number % 10 == 9
        said = {**parent(), **(failure(f"Boom {number}.\nat line 3") if fails else {})}
        sender.send(
            run_event("START", at(number), run=child(number), job=name, run_facets=parent()),
            # The later ones end sooner.
            run_event("FAIL" if fails else "COMPLETE", at(500 - number), run=child(number), job=name, run_facets=said),
        )
    sender.send(run_event("START", at(0), run=PARENT, job="shop"))
    response = get(as_viewer, sender, PARENT)
    failed = re.findall(r'<li id="failed-[^"]*">.*?</li>', html_of(response), re.DOTALL)
    assert [" ".join(re.sub("<[^>]*>", " ", row).split()).partition(" ")[0] for row in failed] == [
        *("t69", "t59", "t49", "t39", "t29")
    ]
    assert "Boom 69. Boom 69. at line 3" in text_of(response)
    (query,) = re.findall(r'href="[^"?]*([^"#]*)#timeline">All 7 failed child runs', html_of(response))
    chosen = html_of(get(as_viewer, sender, PARENT, unescape(query)))
    assert chosen.count('<tr id="child-') == 7
    assert "Failed first" not in chosen


def test_the_axis_of_a_page_of_children_is_of_those_alone(as_viewer: Client, sender: Sender) -> None:
    for number in range(60):
        facets: dict[str, Any] = {"run": child(number), "job": f"shop.t{number}", "run_facets": parent()}
        sender.send(
            run_event("START", at(60 * number), **facets), run_event("COMPLETE", at(60 * number + 30), **facets)
        )
    sender.send(run_event("START", at(0), run=PARENT, job="shop"))
    first = html_of(get(as_viewer, sender, PARENT))
    (later,) = re.findall(r'rel="next" href="[^"?]*(\?[^"]*)"', first)
    assert re.findall(r"<text[^>]*>([^<]*)</text>", first) == ["0", "10 min", "20 min", "30 min", "40 min"]
    second = html_of(get(as_viewer, sender, PARENT, unescape(later)))
    assert re.findall(r"<text[^>]*>([^<]*)</text>", second) == ["50 min", "52 min", "54 min", "56 min", "58 min"]


def test_lists_go_in_pages(as_viewer: Client, sender: Sender) -> None:
    children = [run_event("START", at(n), run=child(n), job=f"shop.t{n}", run_facets=parent()) for n in range(150)]
    sender.send(run_event("START", at(0), run=PARENT, job="shop"), *children)
    response = get(as_viewer, sender, PARENT)
    assert html_of(response).count('<tr id="child-') == 50
    (later,) = re.findall(r'rel="next" href="[^"?]*(\?[^"]*)"', html_of(response))
    second = get(as_viewer, sender, PARENT, unescape(later))
    assert html_of(second).count('<tr id="child-') == 50
    assert re.search(r"t99\s*<", html_of(second))
