"""Events of real senders, digested and read by the API."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from lineage.digest.digest import Submission, digest
from lineage.events import decode_event
from lineage.states.settle import settle
from tests.api.rows import make_connection, make_key, show_to_everyone

# After all events of the samples.
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
Key = tuple[str, int | None]
STATES = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}


@pytest.fixture
def connection(db: None, sample_lines: Callable[[], list[bytes]]) -> Connection:
    """Make a connection that sent every line of every sample file."""
    connection = make_connection("Every sample")
    show_to_everyone(connection)
    key = make_key(connection)
    events = [decode_event(line) for line in sample_lines()]
    [receipt] = digest([Submission(key.voucher, events)], now=NOW)
    assert receipt.accepted
    settle(connection.pk, now=NOW)
    return connection


@pytest.fixture
def every(api: Client) -> Callable[[str], Iterator[dict[str, Any]]]:
    """The results of all pages of a list."""

    def walk(path: str) -> Iterator[dict[str, Any]]:
        url = f"/api/v1/{path}"
        while url:
            page = api.get(url).json()
            yield from page["results"]
            url = page["next"]

    return walk


def shown_name(event: dict[str, Any]) -> str:
    """Return the sender's name of the job, or the unique id of a dbt node."""
    facets = event["job"]["facets"]
    node: str = facets.get("dbt_node", {}).get("unique_id") or event["job"]["name"]
    is_test_of_model = facets["jobType"]["jobType"] == "TEST" and node.startswith("model.")
    return f"{node}.test" if is_test_of_model else node


def key_of(event: dict[str, Any]) -> Key:
    """Return the run id and the map index: with old Airflow, the instances of a mapped task share a run id."""
    index = event["run"]["facets"].get("airflow", {}).get("taskInstance", {}).get("map_index", -1)
    return event["run"]["runId"], None if index < 0 else index


def possible_states(run: dict[str, Any], types: set[str]) -> set[str]:
    """Return the states that its events allow, and those that may overrule them."""
    terminal = {STATES[type_] for type_ in types if type_ in STATES}
    # A test that was skipped, a task whose DAG run tells that it was skipped or killed.
    overruled = {"SKIPPED"} if terminal else {"SKIPPED", "FAILED"}
    if "FAILED" in terminal:
        # A failed try that another one followed; dbt's tests of a model that only warn, which come as failed.
        overruled.add("COMPLETED" if run["job"]["name"].endswith(".test") else "RETRIED")
    if "OTHER" in types:
        # The end of a test that warns, in structured mode of dbt-ol 1.30.
        overruled.add("COMPLETED")
    return (terminal or {"RUNNING"}) | overruled


def test_the_samples_are_read_back(
    connection: Connection,
    every: Callable[[str], Iterator[dict[str, Any]]],
    api: Client,
    sample_lines: Callable[[], list[bytes]],
) -> None:
    sent: dict[Key, dict[bytes, dict[str, Any]]] = defaultdict(dict)
    for line in sample_lines():
        event = json.loads(line)
        sent[key_of(event)][line] = event

    shown = api.get(f"/api/v1/connections/{connection.pk}").json()
    jobs = {job["id"]: job for job in every(f"connections/{connection.pk}/jobs?page_size=50")}
    runs = {(run["id"], run["map_index"]): run for run in every(f"connections/{connection.pk}/runs?page_size=50")}

    assert shown["status"] == "connected"
    assert shown["last_event_at"] == "2026-11-21T06:00:00Z"
    assert shown["total_jobs"] == len(jobs)
    assert shown["running_jobs"] == sum(job["running_runs"] > 0 for job in jobs.values())
    # The others are tasks that sent nothing themselves: the end of their DAG run tells of them.
    # What has two ids is listed under one: a DAG run that was cleared while it ran, a dbt command that was sent again.
    ids = {id_ for id_, _ in runs}
    for other in sent.keys() - runs.keys():
        found = api.get(f"/api/v1/runs/{other[0]}").json()
        assert found["event_count"] == len(sent.pop(other))
        assert found["shown_instead"] in ids
    assert {id_ for id_, run in runs.items() if run["event_count"]} == set(sent)
    assert {run["state"] for id_, run in runs.items() if id_ not in sent} <= {"SKIPPED", "UPSTREAM_FAILED", "COMPLETED"}
    for key, events in sent.items():
        run = runs[key]
        assert run["event_count"] == len(events)
        assert run["job"]["name"] in set(map(shown_name, events.values()))
        assert jobs[run["job"]["id"]]["name"] == run["job"]["name"]
        assert run["state"] in possible_states(run, {event["eventType"] for event in events.values()})
        assert run["started_at"] or all(event["eventType"] != "START" for event in events.values())


def test_every_line_is_read_back_as_it_was_sent(
    connection: Connection, api: Client, sample_lines: Callable[[], list[bytes]]
) -> None:
    by_run: dict[Key, set[bytes]] = defaultdict(set)
    for line in sample_lines():
        by_run[key_of(json.loads(line))].add(line)
    for (run_id, index), lines in by_run.items():
        which = "" if index is None else f"&map_index={index}"
        response = api.get(f"/api/v1/runs/{run_id}/events?page_size=500{which}")
        assert {line for line in lines if line not in response.content} == set()


def test_datasets_of_the_samples_are_listed_once(
    connection: Connection,
    every: Callable[[str], Iterator[dict[str, Any]]],
    sample_events: Callable[[], list[dict[str, Any]]],
) -> None:
    sent = {
        (dataset["namespace"], dataset["name"])
        for event in sample_events()
        for dataset in [*event.get("inputs", ()), *event.get("outputs", ())]
    }
    listed = [(dataset["namespace"], dataset["name"]) for dataset in every("datasets?page_size=10")]
    assert len(listed) == len(set(listed))
    assert sent <= set(listed)
    assert sorted(listed) == listed
