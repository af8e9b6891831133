"""Links to the orchestrator's pages: which facets give them, and which URLs are refused."""

from typing import Any

import pytest

from lineage.events.contents import RunContents, contents_of
from lineage.events.facets import MAX_TEXT_CHARACTERS
from lineage.events.links import link
from tests.lineage.build import at, run_event

LOG = "https://airflow.example/dags/shop/runs/manual__2026/tasks/load?try_number=1"
UI, PROXY, HISTORY = (f"http://{name}.example:8080/application_1" for name in ("driver", "proxy", "history"))


def contents(*facets: dict[str, Any]) -> RunContents:
    bodies = [run_event("START", at(n), run_facets=of_event) for n, of_event in enumerate(facets)]
    return contents_of([body.decode() for body in bodies])


@pytest.mark.parametrize(
    ("facets", "links"),
    [
        ({"airflow": {"taskInstance": {"log_url": LOG}}}, [("Airflow task log", LOG)]),
        ({"airflow": {"dagRun": {"log_url": LOG}}}, [("Airflow DAG run", LOG)]),
        ({"airflowDagRun": {"dagRun": {"run_id": "manual", "log_url": LOG}}}, [("Airflow DAG run", LOG)]),
        ({"spark_applicationDetails": {"uiWebUrl": UI}}, [("Spark UI", UI)]),
        ({"spark_applicationDetails": {"uiWebUrl": UI, "proxyUrl": PROXY}}, [("Spark UI", PROXY)]),
        (
            {"spark_applicationDetails": {"uiWebUrl": UI, "historyUrl": HISTORY}},
            [("Spark history", HISTORY), ("Spark UI", UI)],
        ),
        ({"externalQuery": {"externalQueryId": UI, "source": "bigquery"}}, [("Query", UI)]),
        ({"externalQuery": {"externalQueryId": "job_1", "source": UI}}, [("Query source", UI)]),
        ({"externalQuery": {"externalQueryId": UI, "source": UI}}, [("Query", UI)]),
        ({"externalQuery": {"externalQueryId": "job_1", "source": "bigquery"}}, []),
        ({}, []),
    ],
)
def test_facets_with_links(facets: dict[str, Any], links: list[tuple[str, str]]) -> None:
    found = contents(facets)
    assert found.links == links
    assert found.problems == []


def test_a_later_event_replaces_the_link_of_an_earlier_one() -> None:
    first, second = ({"airflow": {"taskInstance": {"log_url": f"{LOG}{number}"}}} for number in (1, 2))
    assert contents(first, second).links == [("Airflow task log", f"{LOG}2")]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript://example.com/%0aalert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.com/log",
        "//example.com/log",
        "/log",
        "log",
        "",
        "http://",
        "http:///log",
        "https:log",
        "http://[::1/log",
        " https://example.com",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/" + "a" * MAX_TEXT_CHARACTERS,
        None,
        7,
    ],
)
def test_what_is_no_link(url: object) -> None:
    assert link("Log", url) is None
    of_task = {"airflow": {"taskInstance": {"log_url": url}}}
    assert contents(of_task).links == []


@pytest.mark.parametrize("url", ["HTTPS://example.com/a?b=c#d", "http://[::1]:8080/", "https://example.com/é"])
def test_what_is_a_link(url: str) -> None:
    assert link("Log", url) == ("Log", url)


def test_a_broken_facet_is_a_problem_and_leaves_the_other_links() -> None:
    found = contents({"airflow": {"taskInstance": {"log_url": 7}}, "spark_applicationDetails": {"uiWebUrl": UI}})
    assert found.links == [("Spark UI", UI)]
    assert [problem.path for problem in found.problems] == ["run.facets.airflow.taskInstance.log_url"]


def test_deleted_facets_give_no_link() -> None:
    assert contents({"airflow": {"taskInstance": {"log_url": LOG}}}, {"airflow": {"_deleted": True}}).links == []
