"""The states that runs are shown in: docs/run-states.md."""

from django.db import models


class RunState(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    ABORTED = "ABORTED", "Aborted"
    SKIPPED = "SKIPPED", "Skipped"
    UPSTREAM_FAILED = "UPSTREAM_FAILED", "Upstream failed"
    # These two follow from other runs, and from the time: lineage/states.
    RETRIED = "RETRIED", "Retried"
    LOST = "LOST", "Lost"
    # Only events of type OTHER, or of none, were received.
    UNKNOWN = "UNKNOWN", "Unknown"
