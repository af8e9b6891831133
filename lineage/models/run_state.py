"""What a run is shown as."""

from django.db import models


class RunState(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    ABORTED = "ABORTED", "Aborted"
    SKIPPED = "SKIPPED", "Skipped"
    UPSTREAM_FAILED = "UPSTREAM_FAILED", "Upstream failed"
    # These two follow from other runs, and from the time, when a run is shown: see state_sql.py, shown_state_sql.py.
    RETRIED = "RETRIED", "Retried"
    LOST = "LOST", "Lost"
    # Only events of type OTHER, or of none, were received.
    UNKNOWN = "UNKNOWN", "Unknown"
