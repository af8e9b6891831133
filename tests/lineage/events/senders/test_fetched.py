"""Runs of systems that send nothing by themselves."""

import json
from datetime import UTC, datetime

import pytest

from lineage.events import decode_event
from lineage.events.event import RunFacts
from pull.documents import Author

AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
JOB = {"jobType": {"integration": "STEP_FUNCTIONS", "jobType": "JOB", "processingType": "BATCH"}}


def run_of(event_type: str, **fetched: object) -> RunFacts:
    author = Author("stepfunctions", "aws:eu-west-1")
    body = author.run_event(
        event_type, AT, "arn:1#0", "orders", run_facets={"observatory_run": fetched}, job_facets=JOB
    )
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    run = decode_event(body).run
    assert run is not None
    return run


def test_what_the_specification_has_no_place_for() -> None:
    run = run_of("START", attempt=2, max_attempts=3, map_index=0, name="arn:1")
    assert (run.attempt, run.max_attempts, run.map_index) == (2, 3, 0)
    assert (run.external_id, run.orchestrator_run_id) == ("arn:1#0", "arn:1")


@pytest.mark.parametrize(
    ("event_type", "outcome"), [("COMPLETE", "SKIP"), ("ABORT", "SKIP"), ("FAIL", None), ("START", None)]
)
def test_a_run_that_was_not_to_run(event_type: str, outcome: str | None) -> None:
    assert run_of(event_type, skipped=True).outcome == outcome
    assert run_of(event_type).outcome is None
