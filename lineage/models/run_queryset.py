"""Reads of runs. They import no models: models import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import F, Q

from lineage.models.job_queryset import FEW_JOBS, JobQuerySet
from lineage.models.of_connection import OfVisibleConnections
from lineage.models.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID


class RunQuerySet(OfVisibleConnections):
    def shown(self) -> Self:
        """As lists show runs: without those in whose place another run is shown."""
        return self.filter(is_hidden=False)

    def in_state(self, state: str) -> Self:
        """Those that are shown in this state."""
        return self.filter(shown_state=state)

    def took_place_since(self, moment: datetime) -> Self:
        return self.filter(run_at__gte=moment)

    def took_place_before(self, moment: datetime) -> Self:
        return self.filter(run_at__lt=moment)

    def lasting_at_least(self, duration: timedelta, *, now: datetime) -> Self:
        """Those that took so long, and those that run for so long already. Of others it is not known."""
        took = Q(shown_ended_at__gte=F("started_at") + duration)
        return self.filter(took | Q(shown_state=RunState.RUNNING, started_at__lte=now - duration))

    def of_jobs(self, jobs: JobQuerySet) -> Self:
        """Those of these jobs. Asks first which they are."""
        ids = list(jobs.values_list("id", flat=True)[: FEW_JOBS + 1])
        return self.filter(job_id__in=ids if len(ids) <= FEW_JOBS else jobs.values("id"))

    def count_up_to(self, most: int) -> int:
        """How many they are, or `most + 1` where there are more than that."""
        return self.order_by().values("id")[: most + 1].count()

    def count_with_failures(self) -> tuple[int, int]:
        """How many they are, and how many of them failed."""
        shown = self.shown()
        return shown.count(), shown.in_state(RunState.FAILED).count()

    def error_messages(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Run id → what went wrong, of those runs whose sender said it. For runs of one connection."""
        rows = self.filter(id__in=ids, error_message__isnull=False).values_list("id", "error_message")
        return dict(rows)
