"""States in which runs are shown: docs/run-states.md."""

from collections.abc import Iterable
from typing import Final

from django.db import models


class RunState(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    ABORTED = "ABORTED", "Aborted"
    SKIPPED = "SKIPPED", "Skipped"
    UPSTREAM_FAILED = "UPSTREAM_FAILED", "Upstream failed"
    # These two depend on other runs and on the time: lineage/states.
    RETRIED = "RETRIED", "Retried"
    LOST = "LOST", "Lost"
    # Only events of type OTHER, or without a type, were received.
    UNKNOWN = "UNKNOWN", "Unknown"


# From the worst to the best, of what several jobs are in together. Others say nothing of that.
_WORST_FIRST: Final = (
    *(RunState.FAILED, RunState.LOST, RunState.RUNNING),
    *(RunState.ABORTED, RunState.SKIPPED, RunState.COMPLETED),
)


def worst_state(states: Iterable[str | None]) -> str | None:
    """Return the worst of the states of several jobs. None: none of them ran."""
    known = set(states)
    return next((state.value for state in _WORST_FIRST if state in known), None)
