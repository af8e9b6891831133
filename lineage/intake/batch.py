"""The answer to a batch, as the OpenLineage API has it: POST /lineage/batch, 200 with a summary."""

from collections.abc import Sequence

from lineage.events import Event
from lineage.intake.answers import Answer
from lineage.intake.workspace import Sorted

STATUS = 200

Failure = tuple[int, str]  # position in the batch, reason


def failures(decoded: Sequence[Sorted], unstorable: frozenset[int]) -> list[Failure]:
    """Lists documents that were no events, events without a connection, and events whose position among the others is
    in `unstorable`."""
    found: list[Failure] = []
    position_among_events = 0
    for position, event in enumerate(decoded):
        if not isinstance(event, Event):
            found.append((position, str(event)))
            continue
        if position_among_events in unstorable:
            found.append((position, "The event holds values that cannot be stored."))
        position_among_events += 1
    return found


def answer(received: int, failed: list[Failure]) -> Answer:
    content = {
        "status": "partial_success" if failed else "success",
        "summary": {
            "received": received,
            "successful": received - len(failed),
            "failed": len(failed),
            "retriable": 0,
            "non_retriable": len(failed),
        },
        "failed_events": [{"index": position, "reason": reason, "retriable": False} for position, reason in failed],
    }
    return Answer(STATUS, content)


def in_words(failed: list[Failure], received: int) -> str:
    position, reason = failed[0]
    return (
        f"{len(failed)} of the {received} events of a batch were refused; the first, at position {position}: {reason}"
    )
