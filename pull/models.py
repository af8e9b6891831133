"""Sources of connections, and what became of fetching from them. Writes are in actions, leases and progress."""

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from connections.models import Connection
from connections.vouchers import Voucher, VoucherKind
from pull.querysets import PullSourceQuerySet, SyncRunQuerySet
from pull.systems import System

INTERVALS: Final = (1, 2, 5, 10, 15, 30, 60)  # minutes
DEFAULT_INTERVAL: Final = 5
MOST_BACKFILL_DAYS: Final = 90
DEFAULT_BACKFILL_DAYS: Final = 7
MAX_REASON_LENGTH: Final = 500


class PullSource(models.Model):
    """System from which the runs of a connection are fetched, at one address with one secret.

    `cursor`, `backfilled_to`: what changed from `backfilled_to` up to `cursor`, by the system's clock, was fetched.
    Both are None before the first sync. The backfill goes back to `backfill_to`, a day in each sync.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="pull_source")
    system = models.CharField(max_length=20, choices=System)
    # Field of the system's form → value. Secrets are not among them.
    config = models.JSONField(default=dict)
    # The secrets, encrypted: see pull/secrets.py. Empty: the system needs none.
    secret = models.TextField(blank=True, editable=False)
    every_minutes = models.PositiveSmallIntegerField("minutes between two syncs", default=DEFAULT_INTERVAL)
    backfill_days = models.PositiveSmallIntegerField("days to fetch at first", default=DEFAULT_BACKFILL_DAYS)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    # --- Progress
    cursor = models.DateTimeField(null=True, blank=True, editable=False)
    backfilled_to = models.DateTimeField(null=True, blank=True, editable=False)
    backfill_to = models.DateTimeField(null=True, blank=True, editable=False)
    jobs_read_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Syncs since the last one that ended well: the next window is halved that often, so that each gets on.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    # --- Turns of the workers
    next_at = models.DateTimeField(editable=False)
    # Set when a person asks for a sync: the next one follows at once, even if one is under way.
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PullSourceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="source_due")]
        constraints = [
            models.CheckConstraint(condition=models.Q(every_minutes__range=(1, 60)), name="source_every_1_to_60"),
            models.CheckConstraint(
                condition=models.Q(backfill_days__range=(0, MOST_BACKFILL_DAYS)), name="source_backfill_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_system_display()} of {self.connection}"

    @property
    def voucher(self) -> Voucher:
        return Voucher(VoucherKind.PULL_SOURCE, self.id, self.connection_id)

    @property
    def every(self) -> timedelta:
        return timedelta(minutes=self.every_minutes)

    @property
    def is_backfilling(self) -> bool:
        """True if runs of its first days are still to be fetched."""
        return self.backfilled_to is None or (self.backfill_to is not None and self.backfill_to < self.backfilled_to)


class SyncRun(models.Model):
    """Turn of fetching from a source. Only the newest of each source are kept."""

    class Outcome(models.TextChoices):
        RUNNING = "running", "Under way"
        OK = "ok", "Complete"
        # Some calls were refused or some records not understood; the rest was fetched.
        PARTIAL = "partial", "In part"
        FAILED = "failed", "Failed"
        # Its worker ended, or lost its lease.
        INTERRUPTED = "interrupted", "Interrupted"

    source = models.ForeignKey(PullSource, on_delete=models.CASCADE, related_name="syncs")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, default=Outcome.RUNNING)
    # In words for the person who set the source up; empty if all went well. `code`: FaultCode, or of the system's room.
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    code = models.CharField(max_length=40, blank=True)
    calls = models.PositiveIntegerField(default=0)
    # Events made of what was fetched, and those among them that were new.
    events = models.PositiveIntegerField(default=0)
    new_events = models.PositiveIntegerField(default=0)
    # Records that were left out, in words → their number.
    problems = models.JSONField(default=dict)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-id"]
        indexes = [models.Index(fields=["source", "-began_at", "-id"], name="sync_newest")]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M:%S} {self.outcome}"

    @property
    def took(self) -> timedelta | None:
        return self.ended_at - self.began_at if self.ended_at else None


class Described(models.Model):
    """Description of a job as it was last fetched: it is sent again when its fingerprint changes."""

    pk = models.CompositePrimaryKey("source_id", "key")
    source = models.ForeignKey(PullSource, on_delete=models.CASCADE, related_name="described")
    # The job's name in the system.
    key = models.TextField(db_collation="C")
    fingerprint = models.UUIDField()
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.key


class OpenRun(models.Model):
    """Run that was under way when it was fetched, of a system that lists runs by their start alone.

    It is asked for in each sync until it has ended. See pull/open_runs.py.
    """

    pk = models.CompositePrimaryKey("source_id", "key")
    source = models.ForeignKey(PullSource, on_delete=models.CASCADE, related_name="open_runs")
    # The run's name in the system.
    key = models.TextField(db_collation="C")
    first_seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.key
