"""Queryset of runs. It imports no models, because models import it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import F, Q

from lineage.events.clocks import LONGEST
from lineage.models.clocks import has_known_duration
from lineage.models.connection_scope import ConnectionScopedQuerySet
from lineage.models.job_queryset import FEW_JOBS, JobQuerySet
from lineage.models.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID

    Key = tuple[UUID, UUID]  # connection id, id

# The columns that `for_list` reads of a run.
_LISTED = (
    *("connection_id", "id", "run_id", "external_id", "shares_run_id", "job", "parent_run_id", "orchestrator_run_id"),
    *("attempt", "max_attempts", "map_index", "state_from_parent", "shown_state", "error_message"),
    *("first_event_at", "started_at", "run_at", "ended_at", "shown_ended_at", "last_event_at"),
    *("received_at", "last_received_at"),
)
# The columns that `for_sentence` reads.
_IN_SENTENCE = ("connection_id", "id", "run_id", "shares_run_id", "job", "map_index", "run_at", "shown_state")
# Columns that only the digest and settling need.
_BOOKKEEPING = (
    *("failure_stands", "end_is_believed", "report_is_believed", "has_undated_failure", "left_families"),
    *("parent_at", "job_kind", "lost_after", "duration_from_parent_ms"),
)


class RunQuerySet(ConnectionScopedQuerySet):
    def for_list(self, *others: str) -> Self:
        """Read the columns that a row of a list shows, and others."""
        return self.only(*_LISTED, *others)

    def for_sentence(self, *others: str) -> Self:
        """Read the columns by which a sentence leads to a run, and others."""
        return self.only(*_IN_SENTENCE, *others)

    def for_page(self, *unread: str) -> Self:
        """Read the columns that a page about a run needs, without those that are named."""
        return self.defer(*_BOOKKEEPING, *unread)

    def shown(self) -> Self:
        """Keep the runs that lists show, without those for which another run is shown."""
        return self.filter(is_hidden=False)

    def in_state(self, state: str) -> Self:
        """Keep runs that are shown in this state."""
        return self.filter(shown_state=state)

    def took_place_since(self, moment: datetime) -> Self:
        return self.filter(run_at__gte=moment)

    def took_place_before(self, moment: datetime) -> Self:
        return self.filter(run_at__lt=moment)

    def lasting_at_least(self, duration: timedelta, *, now: datetime) -> Self:
        """Keep runs that took at least this long, or have been running for this long. Runs of unknown duration are left
        out."""
        took = has_known_duration("started_at", "shown_ended_at") & Q(shown_ended_at__gte=F("started_at") + duration)
        runs_for = Q(shown_state=RunState.RUNNING, started_at__range=(now - LONGEST, now - duration))
        return self.filter(took | runs_for)

    def of_jobs(self, jobs: JobQuerySet) -> Self:
        """Keep runs of these jobs. Runs one query for the jobs' ids."""
        ids = list(jobs.values_list("id", flat=True)[: FEW_JOBS + 1])
        return self.filter(job_id__in=ids if len(ids) <= FEW_JOBS else jobs.values("id"))

    def count_up_to(self, most: int) -> int:
        """Count the runs, up to `most + 1`."""
        return self.order_by().values("id")[: most + 1].count()

    def count_with_failures(self) -> tuple[int, int]:
        """Count the shown runs, and those of them that failed."""
        shown = self.shown()
        return shown.count(), shown.in_state(RunState.FAILED).count()

    def error_messages(self, keys: Collection[Key]) -> dict[Key, str]:
        """Return (connection id, id) → error message, for runs that have one."""
        rows = self._with_keys(keys).filter(error_message__isnull=False)
        return {(of, id_): text for of, id_, text in rows.values_list("connection_id", "id", "error_message")}

    def last_receipts(self, keys: Collection[Key]) -> dict[Key, datetime | None]:
        """Return (connection id, id) → receipt of the run's last event."""
        rows = self._with_keys(keys).values_list("connection_id", "id", "last_received_at")
        return {(of, id_): at for of, id_, at in rows}

    def _with_keys(self, keys: Collection[Key]) -> Self:
        """Keep the runs with these connection ids and ids; in rare cases a run of another of the connections, too."""
        connection_ids, ids = {of for of, _ in keys}, [id_ for _, id_ in keys]
        return self.filter(connection_id__in=connection_ids, id__in=ids)
