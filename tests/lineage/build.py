"""Events made for tests: short to write, and as a client would send them."""

import json
from typing import Any

T0 = "2026-11-20T12:00:00Z"


def at(seconds: float) -> str:
    """A time that many seconds after noon."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"2026-11-20T{12 + hours}:{minutes:02}:{rest:09.6f}Z"


def run_event(
    type_: str | None = "START",
    time: str = T0,
    *,
    run: str = "00000000-0000-0000-0000-000000000001",
    job: str = "job",
    namespace: str = "namespace",
    run_facets: dict[str, Any] | None = None,
    job_facets: dict[str, Any] | None = None,
    **fields: Any,
) -> bytes:
    event: dict[str, Any] = {
        "eventTime": time,
        "producer": "https://example.com/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run, "facets": run_facets or {}},
        "job": {"namespace": namespace, "name": job, "facets": job_facets or {}},
        "inputs": [],
        "outputs": [],
        **fields,
    }
    if type_:
        event["eventType"] = type_
    return json.dumps(event).encode()


def dataset(name: str, namespace: str = "warehouse", **facets: Any) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": facets}
