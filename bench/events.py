"""Events as an Airflow task sends them: about 5.5 KB, three datasets. Those that are sent, and those that are stored
beforehand (bench/stored.py), are made of one template.

Job n reads what job n // 2 writes, so that the jobs form one tree of lineage.
"""

import itertools
import json
import random
import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

# The jobs that events are sent of: 1 to this.
JOBS = 200
# How many runs have started, and not ended: more than there are clients, so that no run is written by two requests at
# once. Those of a stream that is broken off never end.
RUNS_AT_ONCE = 100
RUN_LASTS = timedelta(minutes=5)
_PRODUCER = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
# Their times spread over eleven hours: none is so old that it is lost.
_BEGIN = datetime.now(UTC) - timedelta(hours=12)


def _facet(name: str, /, **fields: Any) -> dict[str, Any]:
    schema = f"https://openlineage.io/spec/facets/1-0-0/{name}.json#/$defs/{name}"
    return {"_producer": _PRODUCER, "_schemaURL": schema, **fields}


def _dataset(name: str, columns: int) -> dict[str, Any]:
    fields = [{"name": f"column_{n}", "type": "VARCHAR(256)", "description": ""} for n in range(columns)]
    source = _facet("DatasourceDatasetFacet", name="postgres://warehouse:5432", uri="postgres://warehouse:5432/marts")
    return {
        "namespace": "postgres://warehouse:5432",
        "name": name,
        "facets": {"schema": _facet("SchemaDatasetFacet", fields=fields), "dataSource": source},
    }


def _run_facets() -> dict[str, Any]:
    task = {"task_id": "load", "operator_class": "SQLExecuteQueryOperator", "retries": 2, "upstream_task_ids": "[]"}
    return {
        "nominalTime": _facet("NominalTimeRunFacet", nominalStartTime="2026-07-01T00:00:00+00:00"),
        "parent": _facet(
            "ParentRunFacet",
            run={"runId": "@PARENT@"},
            job={"namespace": "production", "name": "shop"},
            root={"run": {"runId": "@PARENT@"}, "job": {"namespace": "production", "name": "shop"}},
        ),
        "processing_engine": _facet("ProcessingEngineRunFacet", version="3.3.2", name="Airflow"),
        "airflow": _facet(
            "AirflowRunFacet",
            dag={"dag_id": "shop", "timetable_summary": "@daily", "tags": "['sales']", "owner": "team-data"},
            dagRun={"run_id": "scheduled__2026-07-01", "run_type": "scheduled", "conf": {}},
            taskInstance={"try_number": 1, "map_index": -1, "pool": "default_pool"},
            task=task,
            taskUuid="@RUN@",
        ),
    }


def _template(run_facets: dict[str, Any]) -> list[bytes]:
    """The document, cut where events differ: what is always the same stands at even places, the names of what is to
    be filled in at odd ones."""
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
                "jobType": _facet("JobTypeJobFacet", jobType="TASK", integration="AIRFLOW", processingType="BATCH"),
                "ownership": _facet("OwnershipJobFacet", owners=[owner]),
                "sql": _facet("SQLJobFacet", query="INSERT INTO marts.orders SELECT * FROM staging.orders"),
            },
        },
        "inputs": [_dataset("staging.orders_@STAGED@", 6), _dataset("marts.load_@UPSTREAM@", 5)],
        "outputs": [_dataset("marts.load_@JOB@", 6)],
    }
    return re.split(rb"@([A-Z]+)@", json.dumps(event).encode())


_ERROR = _facet(
    "ErrorMessageRunFacet",
    message='relation "staging.orders" does not exist',
    programmingLanguage="python",
    stackTrace='Traceback (most recent call last):\n  File "load.py", line 12, in load',
)
_USUAL = _template(_run_facets())
_FAILED = _template(_run_facets() | {"errorMessage": _ERROR})


def event(*, type_: str, time: datetime, run: UUID, parent: UUID, job: int) -> bytes:
    """One event of a run of job `job` (≥ 1). Takes a few microseconds: many are made while a clock runs."""
    values = {
        b"TIME": time.isoformat(timespec="microseconds").encode(),
        b"TYPE": type_.encode(),
        b"RUN": str(run).encode(),
        b"PARENT": str(parent).encode(),
        b"JOB": b"%05d" % job,
        b"STAGED": b"%04d" % (job // 10),
        b"UPSTREAM": b"%05d" % (job // 2),
    }
    parts = (_FAILED if type_ == "FAIL" else _USUAL).copy()
    parts[1::2] = [values[name] for name in parts[1::2]]
    return b"".join(parts)


def bodies(seed: int) -> Iterator[bytes]:
    """An endless stream: a START and, RUNS_AT_ONCE runs later, a COMPLETE for each run.

    Streams of different seeds share jobs and datasets, and never a run.
    """
    ids = random.Random(seed)  # noqa: S311 - nobody has to be unable to guess them
    started: deque[bytes] = deque()
    for number in itertools.count(seed):
        run, parent = (UUID(int=ids.getrandbits(128), version=4) for _ in range(2))
        job, began = 1 + number % JOBS, _BEGIN + timedelta(milliseconds=number % 40_000_000)
        started.append(event(type_="COMPLETE", time=began + RUN_LASTS, run=run, parent=parent, job=job))
        yield event(type_="START", time=began, run=run, parent=parent, job=job)
        if len(started) > RUNS_AT_ONCE:
            yield started.popleft()


def batches(seed: int, size: int) -> Iterator[bytes]:
    """An endless stream of arrays of so many events."""
    events = bodies(seed)
    while True:
        yield b"[%s]" % b",".join(itertools.islice(events, size))
