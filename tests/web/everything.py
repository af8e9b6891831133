"""Connections that hold something of everything that pages show, with equal ids and times each time."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connections.models import ApiKey, Attempt, Connection
from pull.models import PullSource
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, Sender

SampleLines = Callable[..., list[bytes]]

SCHEMA = {"_producer": "https://example.com/producer", "_schemaURL": "https://example.com/schema"}
FAILED_TASK, PARENT, UNKNOWN_PARENT = (str(uuid.UUID(int=n)) for n in (2, 10, 11))
PAGES_OF_JOBS = 60


@dataclass(frozen=True)
class Everything:
    """`by_hand` has events that the tests build, `airflow` and `dbt` those of real senders; the others have none."""

    by_hand: Sender
    airflow: Sender
    dbt: Sender
    without_key: Connection
    refused: Connection


def make_everything(sample_lines: SampleLines) -> Everything:
    everything = Everything(
        by_hand=_sender(1, "By hand", "openlineage"),
        airflow=_sender(2, "Airflow production", "airflow"),
        dbt=_sender(3, "Shop models", "dbt"),
        without_key=_connection(4, "Without a key", "airflow"),
        refused=_sender(5, "Refused", "dbt").connection,
    )
    Attempt.objects.create(connection=everything.refused, at=NOW, outcome="rejected", status=400, reason="not JSON")
    everything.by_hand.send(*_task_with_tries(), *_children(), *_many_jobs())
    everything.airflow.send(*sample_lines("airflow-fidelity"), *sample_lines("airflow-dags-test"))
    _fetch_for(everything.airflow.connection)
    for sample in ("dbt-build-fail", "dbt-build-ok", "dbt-test-mixed", "dbt-run-parent"):
        everything.dbt.send(*sample_lines(sample))
    return everything


def _connection(number: int, name: str, type_: str) -> Connection:
    return Connection.objects.create(id=uuid.UUID(int=number << 64), name=name, type=type_, created_at=NOW)


def _fetch_for(connection: Connection) -> None:
    config = {"url": "https://airflow.example.com", "namespace": "default"}
    source = PullSource.objects.create(
        connection=connection, system="airflow", config=config, created_at=NOW, next_at=NOW
    )
    for minutes, outcome in ((5, "failed"), (10, "ok")):
        began = NOW - timedelta(minutes=minutes)
        source.syncs.create(
            began_at=began, ended_at=began, outcome=outcome, reason="x", problems={"Unknown state x": 2}
        )


def _sender(number: int, name: str, type_: str) -> Sender:
    connection = _connection(number, name, type_)
    key = ApiKey.objects.create(
        id=uuid.UUID(int=number << 64), connection=connection, name="key", lookup=f"lookup {number}", created_at=NOW
    )
    return Sender(connection, key)


def _task_with_tries() -> Iterator[bytes]:
    """Two failed tries of a task, the second with all that a page has a part for."""
    assertions = [
        {"assertion": "not_null", "success": success, "column": name} for name, success in (("id", True), ("at", False))
    ]
    counts = {"outputStatistics": {**SCHEMA, "rowCount": 1200, "size": 4096, "fileCount": 2}}
    written = {**dataset("orders"), "outputFacets": counts}
    tested = {**dataset("customers"), "inputFacets": {"dataQualityAssertions": {**SCHEMA, "assertions": assertions}}}
    for number, run in enumerate((str(uuid.UUID(int=1)), FAILED_TASK), 1):
        facets = {**_parent(PARENT, "shop"), **_attempt(number), **_failure()}
        start = 100 * number
        yield run_event("START", at(start), run=run, job="shop.load", run_facets=facets)
        yield run_event(
            "FAIL", at(start + 90), run=run, job="shop.load", run_facets=facets, inputs=[tested], outputs=[written]
        )
    # Not as OpenLineage has it.
    yield run_event("RUNNING", at(250), run=FAILED_TASK, job="shop.load", job_facets={"ownership": {"owners": 5}})
    yield run_event("START", at(0), run=PARENT, job="shop", job_facets=_job_facets())
    yield run_event("FAIL", at(400), run=PARENT, job="shop", run_facets=_failure("A task failed."))


def _children() -> Iterator[bytes]:
    """More runs than one page lists, of a run that sent nothing."""
    facets = _parent(UNKNOWN_PARENT, "unheard")
    for number in range(55):
        run = str(uuid.UUID(int=100 + number))
        type_ = ("COMPLETE", "FAIL", "ABORT")[number % 3]
        yield run_event("START", at(1000 + number), run=run, job=f"unheard.task {number % 7}", run_facets=facets)
        yield run_event(type_, at(1100 + number), run=run, job=f"unheard.task {number % 7}", run_facets=facets)


def _many_jobs() -> Iterator[bytes]:
    for number in range(PAGES_OF_JOBS):
        run = str(uuid.UUID(int=1000 + number))
        facets = {"tags": {**SCHEMA, "tags": [{"key": "tier", "value": str(number % 2)}]}}
        namespace = f"namespace {number % 2}"
        yield run_event(
            "START", at(2000 + number), run=run, job=f"job {number}", namespace=namespace, job_facets=facets
        )
        if number % 5:
            yield run_event("COMPLETE", at(2500), run=run, job=f"job {number}", namespace=namespace)


def _job_facets() -> dict[str, Any]:
    return {
        "ownership": {**SCHEMA, "owners": [{"name": "team:shop", "type": "MAINTAINER"}]},
        "documentation": {**SCHEMA, "description": "Loads the shop."},
    }


def _parent(run: str, job: str) -> dict[str, Any]:
    return {"parent": {**SCHEMA, "run": {"runId": run}, "job": {"namespace": "namespace", "name": job}}}


def _attempt(number: int) -> dict[str, Any]:
    return {"airflow": {**SCHEMA, "taskInstance": {"try_number": number}, "task": {"retries": 2}}}


def _failure(message: str = "Boom.") -> dict[str, Any]:
    return {
        "errorMessage": {
            **SCHEMA,
            "message": message,
            "programmingLanguage": "python",
            "stackTrace": "Traceback (most recent call last):\n  …",
        }
    }
