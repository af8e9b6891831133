"""Events of an Airflow task: about 5.5 KB, three datasets. Sent events and events stored in advance share one template.

Job n reads what job n // 2 writes, so that the jobs form one tree of lineage.
"""

import itertools
import json
import random
import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

# Events are sent for jobs 1 to JOBS.
JOBS = 200
# Number of runs that have started and not ended. It exceeds the number of clients, so that no two concurrent requests
# write one run. Runs of an interrupted stream never end.
RUNS_AT_ONCE = 100
RUN_LASTS = timedelta(minutes=5)
_PRODUCER = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
# Event times spread over eleven hours, so no run is old enough to be lost.
_BEGIN = datetime.now(UTC) - timedelta(hours=12)


def facet(name: str, /, **fields: Any) -> dict[str, Any]:
    """Make a facet as OpenLineage defines it: its own fields, and what every facet has."""
    schema = f"https://openlineage.io/spec/facets/1-0-0/{name}.json#/$defs/{name}"
    return {"_producer": _PRODUCER, "_schemaURL": schema, **fields}


def _dataset(name: str, columns: int) -> dict[str, Any]:
    fields = [{"name": f"column_{n}", "type": "VARCHAR(256)", "description": ""} for n in range(columns)]
    source = facet("DatasourceDatasetFacet", name="postgres://warehouse:5432", uri="postgres://warehouse:5432/marts")
    return {
        "namespace": "postgres://warehouse:5432",
        "name": name,
        "facets": {"schema": facet("SchemaDatasetFacet", fields=fields), "dataSource": source},
    }


def _output(columns: int) -> dict[str, Any]:
    dataset = _dataset("marts.load_@JOB@", columns or 6)
    if columns:
        source = {"namespace": dataset["namespace"], "name": "staging.orders_@STAGED@"}
        fields = {f"column_{n}": {"inputFields": [{**source, "field": f"column_{n}"}]} for n in range(columns)}
        dataset["facets"]["columnLineage"] = facet("ColumnLineageDatasetFacet", fields=fields)
    return dataset


def _run_facets() -> dict[str, Any]:
    task = {"task_id": "load", "operator_class": "SQLExecuteQueryOperator", "retries": 2, "upstream_task_ids": "[]"}
    return {
        "nominalTime": facet("NominalTimeRunFacet", nominalStartTime="2026-07-01T00:00:00+00:00"),
        "parent": facet(
            "ParentRunFacet",
            run={"runId": "@PARENT@"},
            job={"namespace": "production", "name": "shop"},
            root={"run": {"runId": "@PARENT@"}, "job": {"namespace": "production", "name": "shop"}},
        ),
        "processing_engine": facet("ProcessingEngineRunFacet", version="3.3.2", name="Airflow"),
        "airflow": facet(
            "AirflowRunFacet",
            dag={"dag_id": "shop", "timetable_summary": "@daily", "tags": "['sales']", "owner": "team-data"},
            dagRun={"run_id": "scheduled__2026-07-01", "run_type": "scheduled", "conf": {}},
            taskInstance={"try_number": 1, "map_index": -1, "pool": "default_pool"},
            task=task,
            taskUuid="@RUN@",
        ),
    }


def _template(run_facets: dict[str, Any], columns: int = 0) -> list[bytes]:
    """Split the document where events differ: constant parts at even places, names of variables at odd ones."""
    owner = {"name": "team-data", "type": "DAG"}
    event = {
        "eventTime": "@TIME@",
        "eventType": "@TYPE@",
        "producer": _PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "@RUN@", "facets": run_facets},
        "job": {
            "namespace": "production",
            "name": "shop.load_@JOB@",
            "facets": {
                "jobType": facet("JobTypeJobFacet", jobType="TASK", integration="AIRFLOW", processingType="BATCH"),
                "ownership": facet("OwnershipJobFacet", owners=[owner]),
                "sql": facet("SQLJobFacet", query="INSERT INTO marts.orders SELECT * FROM staging.orders"),
            },
        },
        "inputs": [_dataset("staging.orders_@STAGED@", 6), _dataset("marts.load_@UPSTREAM@", 5)],
        "outputs": [_output(columns)],
    }
    return re.split(rb"@([A-Z]+)@", json.dumps(event).encode())


_ERROR = facet(
    "ErrorMessageRunFacet",
    message='relation "staging.orders" does not exist',
    programmingLanguage="python",
    stackTrace='Traceback (most recent call last):\n  File "load.py", line 12, in load',
)
_FAILED = _template(_run_facets() | {"errorMessage": _ERROR})


@cache
def _usual(columns: int) -> list[bytes]:
    return _template(_run_facets(), columns)


def event(*, type_: str, time: datetime, run: UUID, parent: UUID, job: int, columns: int = 0) -> bytes:
    """Make one event of a run of job `job` (≥ 1). Takes a few microseconds, because it runs while time is measured.

    `columns`: of so many columns the event tells where they come from.
    """
    values = {
        b"TIME": time.isoformat(timespec="microseconds").encode(),
        b"TYPE": type_.encode(),
        b"RUN": str(run).encode(),
        b"PARENT": str(parent).encode(),
        b"JOB": b"%05d" % job,
        b"STAGED": b"%04d" % (job // 10),
        b"UPSTREAM": b"%05d" % (job // 2),
    }
    parts = (_FAILED if type_ == "FAIL" else _usual(columns)).copy()
    parts[1::2] = [values[name] for name in parts[1::2]]
    return b"".join(parts)


def bodies(seed: int, columns: int = 0) -> Iterator[bytes]:
    """Yield endless events: a START for each run and, RUNS_AT_ONCE runs later, its COMPLETE.

    Streams with different seeds share jobs and datasets, but never runs.
    """
    ids = random.Random(seed)  # noqa: S311 - the ids need not be secret
    started: deque[bytes] = deque()
    for number in itertools.count(seed):
        run, parent = (UUID(int=ids.getrandbits(128), version=4) for _ in range(2))
        job, began = 1 + number % JOBS, _BEGIN + timedelta(milliseconds=number % 40_000_000)
        of_run = partial(event, run=run, parent=parent, job=job, columns=columns)
        started.append(of_run(type_="COMPLETE", time=began + RUN_LASTS))
        yield of_run(type_="START", time=began)
        if len(started) > RUNS_AT_ONCE:
            yield started.popleft()


def batches(seed: int, size: int) -> Iterator[bytes]:
    """Yield endless JSON arrays of `size` events."""
    events = bodies(seed)
    while True:
        yield b"[%s]" % b",".join(itertools.islice(events, size))
