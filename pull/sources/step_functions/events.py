"""OpenLineage events of executions and their states. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from pull.documents import Author, without_none
from pull.sources.aws.jobs import error_facet
from pull.sources.aws.regions import console_of
from pull.sources.step_functions.history import Attempt, Part, States
from pull.sources.step_functions.records import ENDS, RUNNING, Execution

_SYSTEM: Final = "step_functions"
# Status of an execution → how it is shown.
LISTED_AS: Final = {
    "SUCCEEDED": "COMPLETED",
    "FAILED": "FAILED",
    "TIMED_OUT": "FAILED",
    "ABORTED": "ABORTED",
    **dict.fromkeys(RUNNING, "RUNNING"),
}


class UnknownStatus(Exception):
    """AWS has a status that this version of the product does not know. Its text is the status."""


def namespace_of(arn: str) -> str:
    """The part of an ARN that names the region and the account: `arn:aws:states:eu-west-1:123456789012`."""
    return ":".join(arn.split(":")[:5])


def author_of(arn: str) -> Author:
    """Writes into the namespace of a state machine or an execution."""
    return Author(_SYSTEM, namespace_of(arn))


def run_name(execution: Execution, redrive: int | None = None) -> str:
    """Name the run of an execution, or of a redrive: its ARN, with `#1` after the first redrive."""
    number = execution.redrive_count if redrive is None else redrive
    return f"{execution.execution_arn}#{number}" if number else execution.execution_arn


def run_events(execution: Execution, states: States | None) -> Iterator[bytes]:
    """Events of an execution, of its earlier parts if it was redriven, and of its states.

    `states`: of one that has ended, if they could be read. Raises UnknownStatus.
    """
    if execution.status not in ENDS and execution.status not in RUNNING:
        raise UnknownStatus(execution.status)
    last = Part(execution.redrive_count, execution.began_at)
    parts = {part.redrive: part for part in states.parts} if states else {}
    if execution.has_ended:
        last.end, last.ended_at = ENDS[execution.status], execution.stop_date
        if part := parts.get(last.redrive):
            last.error, last.cause = part.error, part.cause
    for part in (*(parts[number] for number in sorted(parts) if number < last.redrive), last):
        began_at = part.began_at if part.redrive else execution.start_date
        yield _of_execution("START", began_at, execution, part)
        if part.end is not None and part.ended_at is not None:
            yield _of_execution(part.end, part.ended_at, execution, part)
    for attempt in states.attempts if states else ():
        yield _of_state("START", attempt.began_at, execution, attempt)
        if attempt.end is not None and attempt.ended_at is not None:
            yield _of_state(attempt.end, attempt.ended_at, execution, attempt)


def still_running(execution: Execution, at: datetime) -> bytes:
    """Event of an execution that runs for long. `at`: a full hour."""
    return _of_execution("RUNNING", at, execution, Part(execution.redrive_count, execution.began_at))


def job_type(kind: str) -> dict[str, str]:
    return {"integration": "STEP_FUNCTIONS", "jobType": kind, "processingType": "BATCH"}


def _of_execution(event_type: str, at: datetime, execution: Execution, part: Part) -> bytes:
    name = run_name(execution, part.redrive)
    facets: dict[str, Mapping[str, Any]] = {"observatory_run": _facet(execution, name)}
    if event_type == "FAIL":
        facets |= error_facet(part.error, part.cause)
    return author_of(execution.execution_arn).run_event(
        event_type,
        at,
        name,
        execution.machine_name,
        run_facets=facets,
        job_facets={"jobType": job_type("STATE_MACHINE")},
    )


def _of_state(event_type: str, at: datetime, execution: Execution, attempt: Attempt) -> bytes:
    author, parent = author_of(execution.execution_arn), run_name(execution, attempt.redrive)
    own = _facet(execution, parent, attempt=attempt.number, map_index=attempt.map_index)
    facets: dict[str, Mapping[str, Any]] = {
        "observatory_run": own,
        "parent": author.parent(parent, execution.machine_name),
    }
    if event_type == "FAIL":
        facets |= error_facet(attempt.error, attempt.cause)
    return author.run_event(
        event_type,
        at,
        f"{execution.execution_arn}:{attempt.event_id}",
        f"{execution.machine_name}.{attempt.name}",
        run_facets=facets,
        job_facets={"jobType": job_type("TASK")},
    )


def _facet(execution: Execution, name: str, **fields: Any) -> dict[str, Any]:
    console = console_of(execution.execution_arn.split(":")[3])
    region = execution.execution_arn.split(":")[3]
    page = f"/states/home?region={region}#/v2/executions/details/{execution.execution_arn}"
    return without_none({"name": name, "url": console and console + page, **fields})
