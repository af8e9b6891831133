"""Events as an Airflow task sends them: about 5.5 KB, three datasets, a START and a COMPLETE for each run."""

import itertools
import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

JOBS = 200
# How many runs have started, and not ended: no run is written by two requests at once.
RUNS_AT_ONCE = 500
_PRODUCER = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
_BEGIN = datetime.now(UTC) - timedelta(days=1)


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


def _template() -> str:
    """With @RUN@, @PARENT@, @JOB@, @TYPE@ and @TIME@ where events differ."""
    owner = {"name": "team-data", "type": "DAG"}
    event = {
        "eventTime": "@TIME@",
        "eventType": "@TYPE@",
        "producer": _PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "@RUN@", "facets": _run_facets()},
        "job": {
            "namespace": "production",
            "name": "@JOB@",
            "facets": {
                "jobType": _facet("JobTypeJobFacet", jobType="TASK", integration="AIRFLOW", processingType="BATCH"),
                "ownership": _facet("OwnershipJobFacet", owners=[owner]),
                "sql": _facet("SQLJobFacet", query="INSERT INTO marts.orders SELECT * FROM staging.orders"),
            },
        },
        "inputs": [_dataset("staging.orders", 6), _dataset("staging.customers", 5)],
        "outputs": [_dataset("marts.@JOB@", 6)],
    }
    return json.dumps(event)


def bodies(seed: int) -> Iterator[bytes]:
    """An endless stream. Streams of different seeds share jobs and datasets, and never a run."""
    template = _template()
    started: deque[str] = deque()
    for number in itertools.count(seed):
        run, parent, job = str(uuid4()), str(uuid4()), f"shop.load_{number % JOBS}"
        filled = template.replace("@RUN@", run).replace("@PARENT@", parent).replace("@JOB@", job)
        began = _BEGIN + timedelta(milliseconds=number % 40_000_000)
        started.append(_event(filled, "COMPLETE", began + timedelta(minutes=5)))
        yield _event(filled, "START", began).encode()
        if len(started) > RUNS_AT_ONCE:
            yield started.popleft().encode()


def _event(filled: str, type_: str, time: datetime) -> str:
    return filled.replace("@TYPE@", type_).replace("@TIME@", time.isoformat())
