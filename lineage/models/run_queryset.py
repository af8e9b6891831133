"""Reads of runs. They import no models: models import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThanOrEqual

from lineage.models import shown_state_sql as shown_states
from lineage.models import state_sql as states
from lineage.models.job_queryset import FEW_JOBS, JobQuerySet
from lineage.models.of_connection import OfVisibleConnections
from lineage.models.state_expressions import FAILED, LOST, RUNNING, OnRow, at_moment

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID

_TOLD_STATES = ("SKIPPED", "UPSTREAM_FAILED")
# So many are named one by one, for PostgreSQL to plan by.
_FEW_TOLD = 500


_SHOWN_STATE = OnRow(at_moment(shown_states.shown_state), output_field=models.TextField())
# The same but for what is shown as RUNNING or LOST, and cheaper to tell.
_SETTLED_STATE = OnRow(states.settled_state, output_field=models.TextField())
_SETTLED_END = OnRow(states.settled_end, output_field=models.DateTimeField(null=True))
_RUN_IS_RUNNING = Q(OnRow(at_moment(shown_states.is_running), output_field=models.BooleanField()))
_HIDDEN = OnRow(states.hidden, output_field=models.BooleanField())
_IN_DOUBT = Q(OnRow(states.in_doubt, output_field=models.BooleanField()))


# By their own events, of the runs that are shown in a state. Those of the others can be in any.
_OWN_STATES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(states.NOT_WELL, states.NOT_WELL),
    "RETRIED": states.NOT_WELL,
    "RUNNING": ("RUNNING",),
    "LOST": ("RUNNING",),
    "UNKNOWN": ("UNKNOWN",),
    "UPSTREAM_FAILED": ("UPSTREAM_FAILED", *states.NOT_WELL),
    "ABORTED": ("ABORTED",),
}


class RunQuerySet(OfVisibleConnections):
    def with_states(self) -> Self:
        """Each with its `shown_state` and `shown_ended_at`: see docs/run-states.md. It costs some look-ups for each row
        that is read."""
        return self.annotate(shown_state=_SHOWN_STATE, shown_ended_at=_SETTLED_END)

    def shown(self) -> Self:
        """The same as lists show runs: without those that others stand for."""
        return self.with_states().exclude(_HIDDEN)

    def in_state(self, state: str) -> Self:
        """Those that are shown in this state."""
        told_by_time = state in (RUNNING, LOST)
        return (
            self._that_may_be(state)
            .alias(wanted_state=_SHOWN_STATE if told_by_time else _SETTLED_STATE)
            .filter(wanted_state=state)
        )

    def _that_may_be(self, state: str) -> Self:
        """By their own events. Of states that parents tell, where few do: those that are told of, or in doubt."""
        if state in _TOLD_STATES:
            # Its own state is the told one: there is an index, for each connection.
            told = self.model.objects.visible().filter(state=state, told_state=state).order_by()
            parents = list(told.values_list("parent_run_id", flat=True)[: _FEW_TOLD + 1])
            if len(parents) <= _FEW_TOLD:
                return self.filter(Q(state=state) | Q(parent_run_id__in=set(parents)) | _IN_DOUBT)
        return self.filter(state__in=_OWN_STATES[state]) if state in _OWN_STATES else self

    def took_place_since(self, moment: datetime) -> Self:
        return self.filter(run_at__gte=moment)

    def took_place_before(self, moment: datetime) -> Self:
        return self.filter(run_at__lt=moment)

    def lasting_at_least(self, duration: timedelta, *, now: datetime) -> Self:
        """Those that took so long, and those that run for so long already. Of others it is not known."""
        end = F("started_at") + duration
        # What is asked of few, those without an end of their own, stands apart, for PostgreSQL to ask it last.
        told = Q(GreaterThanOrEqual(_SETTLED_END, end))
        running = Q(state=RUNNING, started_at__lte=now - duration) & _RUN_IS_RUNNING
        may_last = self.filter(Q(ended_at__gte=end) | Q(ended_at__isnull=True, started_at__isnull=False))
        return may_last.filter(Q(ended_at__isnull=False) | told | running)

    def of_jobs(self, jobs: JobQuerySet) -> Self:
        """Those of these jobs. Asks first which they are."""
        ids = list(jobs.values_list("id", flat=True)[: FEW_JOBS + 1])
        return self.filter(job_id__in=ids if len(ids) <= FEW_JOBS else jobs.values("id"))

    def count_up_to(self, most: int) -> int:
        """How many they are, or `most + 1` where there are more than that."""
        # Without what is not asked for: each state takes some look-ups.
        return self.order_by().values("id")[: most + 1].count()

    def count_with_failures(self) -> tuple[int, int]:
        """How many they are, and how many of them failed."""
        # An index alone counts all. Few are hidden, and few fail: only of those other rows are looked at.
        may_be_hidden = self.filter(Q(told_state__isnull=False) | Q(invocation_id__isnull=False))
        failed = self.shown().in_state(FAILED)
        return self.count() - may_be_hidden.filter(Q(_HIDDEN)).count(), failed.count()

    def error_messages(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Run id → what went wrong, of those runs whose sender said it. For runs of one connection."""
        rows = self.filter(id__in=ids, error_message__isnull=False).values_list("id", "error_message")
        return dict(rows)
