"""Counters of this room for Prometheus; docs/metrics.md explains it to operators.

Labels come from enumerations of ours, never from what senders write, so the number of series is fixed. Each child is
resolved here, once: its series exists, at 0, before the first event.
"""

from enum import StrEnum
from typing import Final

from prometheus_client import Counter


class Verification(StrEnum):
    """Results of verifying a key that this process did not remember."""

    VALID = "valid"
    UNKNOWN = "unknown"  # no key has this public part
    WRONG = "wrong"  # the secret is not that key's


class Drop(StrEnum):
    """Reasons not to list an attempt."""

    PACED = "paced"  # its connection has enough of this moment
    STRANGER = "stranger"  # it came without a valid key, and enough of these were looked up
    NO_CONNECTION = "no_connection"  # there is none with this id
    BUSY = "busy"  # too many waited to be written
    DATABASE = "database"  # it could not be written


_verifications = Counter(
    "observatory_key_verifications_total", "API keys that were looked up or hashed, by result.", ["result"]
)
VERIFICATIONS: Final = {result: _verifications.labels(result) for result in Verification}

ATTEMPTS_LISTED: Final = Counter("observatory_attempts_listed_total", "Attempts written to a connection's list.")
_dropped = Counter("observatory_attempts_dropped_total", "Attempts that were worth listing, and are not.", ["reason"])
ATTEMPTS_DROPPED: Final = {reason: _dropped.labels(reason) for reason in Drop}
