"""OpenLineage documents as the tests send them."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

Path = tuple[str | int, ...]


def event(**fields: Any) -> dict[str, Any]:
    """A RunEvent of a run of its own."""
    return {
        "eventTime": "2026-07-01T06:00:00Z",
        "eventType": "START",
        "producer": "https://example.com/pipelines/1.0",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid4())},
        "job": {"namespace": "shop", "name": "load_orders"},
        **fields,
    }


def encoded(**fields: Any) -> bytes:
    return json.dumps(event(**fields)).encode()


def full_event() -> dict[str, Any]:
    """A RunEvent with each field that is read, facets included."""
    run = {"runId": str(uuid4())}
    job = {"namespace": "shop", "name": "load_orders"}
    return event(
        run=run
        | {
            "facets": {
                "parent": {"run": {"runId": str(uuid4())}, "job": job, "root": {"run": run, "job": job}},
                "nominalTime": {"nominalStartTime": "2026-07-01T00:00:00Z", "nominalEndTime": "2026-07-02T00:00:00Z"},
                "errorMessage": {"message": "no disk", "programmingLanguage": "PYTHON"},
                "externalQuery": {"externalQueryId": "q-1", "source": "snowflake"},
                "airflow": {"taskInstance": {"try_number": 1, "map_index": 0}, "task": {"retries": 2}},
                "custom": {"anything": ["goes", 1, None]},
            }
        },
        job=job | {"facets": {"jobType": {"jobType": "TASK", "integration": "AIRFLOW", "processingType": "BATCH"}}},
        inputs=[{"namespace": "postgres://shop", "name": "public.orders", "facets": {"schema": {"fields": []}}}],
        outputs=[{"namespace": "s3://lake", "name": "orders", "outputFacets": {"outputStatistics": {"rowCount": 1}}}],
    )


def full_job_event() -> dict[str, Any]:
    """A JobEvent with each field that is read."""
    document = full_event()
    del document["run"], document["eventType"]
    return document


def full_dataset_event() -> dict[str, Any]:
    """A DatasetEvent with each field that is read."""
    document = full_job_event()
    del document["job"], document["outputs"]
    [document["dataset"]] = document.pop("inputs")
    return document


FULL = {"RunEvent": full_event, "JobEvent": full_job_event, "DatasetEvent": full_dataset_event}


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Each place in a document, the document itself left out."""
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def put(document: Any, path: Path, value: Any) -> None:
    at(document, path[:-1])[path[-1]] = value
