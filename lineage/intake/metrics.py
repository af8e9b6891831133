"""Counters of the intake for Prometheus; docs/metrics.md explains it to operators.

Counting costs less than 1 µs where the child of a metric is resolved beforehand, so each is, here. That also has its
series exist, at 0, before its first event. All labels come from the enumerations of answers and attempts.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from connections.models import Attempt
from lineage.intake.answers import Code

Outcome = Attempt.Outcome

# The end of a request or an event, with a code if it was rejected.
Ending = tuple[Outcome, Code | None]
STORED: Final[Ending] = (Outcome.STORED, None)
REPEAT: Final[Ending] = (Outcome.REPEAT, None)


def rejected(code: Code) -> Ending:
    return (Outcome.REJECTED, code)


def _children(counter: Counter, codes: list[Code]) -> dict[Ending, Counter]:
    endings = [STORED, REPEAT, *map(rejected, codes)]
    return {(outcome, code): counter.labels(outcome.value, code or "") for outcome, code in endings}


_LABELS = ["outcome", "reason"]
REQUESTS: Final = _children(
    Counter("observatory_intake_requests_total", "Requests at the intake, each once, by how they ended.", _LABELS),
    list(Code),
)
EVENTS: Final = _children(
    Counter("observatory_intake_events_total", "Events that were read of them, by what became of each.", _LABELS),
    [
        Code.INVALID_EVENT,
        Code.UNMATCHED_NAMESPACE,
        Code.UNSTORABLE,
        Code.KEY_REFUSED,
        Code.DATABASE_AWAY,
        Code.DATABASE_SLOW,
        Code.ROWS_LOCKED,
    ],
)

# Senders give up after 5 s.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
REQUEST_SECONDS: Final = Histogram(
    "observatory_intake_request_seconds", "From a request's head to its answer.", buckets=_SECONDS
)
COMMIT_SECONDS: Final = Histogram(
    "observatory_commit_seconds", "What a commit took, retries included.", buckets=_SECONDS
)
COMMIT_EVENTS: Final = Histogram(
    "observatory_commit_events", "Events that shared a commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500)
)
COMMIT_FAILURES: Final = Counter(
    "observatory_commit_failures_total", "Commits after which the senders were told to try again."
)

OPEN_REQUESTS: Final = Gauge(
    "observatory_intake_open_requests", "Requests that are not answered yet.", multiprocess_mode="livesum"
)
WAITING_REQUESTS: Final = Gauge(
    "observatory_intake_waiting_requests", "Those of them that wait for their commit.", multiprocess_mode="livesum"
)
HELD_BYTES: Final = Gauge(
    "observatory_intake_held_bytes", "Bytes of bodies that are being read or wait.", multiprocess_mode="livesum"
)
