"""States in which runs are shown: docs/run-states.md."""

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
