"""Reads of events, jobs, runs, datasets and edges. They import no models: models import them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from django.db import models
from django.db.models import Case, Count, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.functions import Lower, Now
from django.utils import timezone

from lineage import states

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime, timedelta
    from uuid import UUID

    from django.db.models.expressions import Col, OrderBy

    from connections.models import Connection
    from lineage.models import Dataset, Edge, Event, Job, Run  # noqa: F401 - for annotations

# States of a job's latest run, as the rows say them.
_RUNNING, _FAILED, _LOST = "RUNNING", "FAILED", "LOST"

_FEW_JOBS = 200

# Stands for "no run yet" among the states that `in_state` takes.
NO_RUN = "NONE"
ALL_STATES = "ALL"


class _OnRow(Func):
    """One of the expressions of lineage/states.py, on the rows of a queryset of runs or jobs."""

    def __init__(self, write: Callable[[str], str], *, output_field: models.Field[Any, Any]) -> None:
        super().__init__(F("id"), output_field=output_field)
        self.write = write

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, tuple[str | int, ...]]:  # noqa: ARG002
        column = cast("Col", self.source_expressions[0])
        return self.write(compiler.quote_name_unless_alias(column.alias)), ()


def _now(expression: Callable[[str, str], str]) -> Callable[[str], str]:
    """Whose moment is that at which the query is made: a queryset may be older."""
    return lambda row: expression(row, f"'{timezone.now().isoformat()}'::timestamptz")


_SHOWN_STATE = _OnRow(_now(states.shown_state), output_field=models.TextField())
# The same but for what is shown as RUNNING or LOST, and cheaper to tell.
_SETTLED_STATE = _OnRow(states.settled_state, output_field=models.TextField())
_HIDDEN = _OnRow(states.hidden, output_field=models.BooleanField())
_JOB_IS_RUNNING = Q(_OnRow(_now(states.job_is_running), output_field=models.BooleanField()))
_JOB_IS_LOST = Q(_OnRow(_now(states.job_is_lost), output_field=models.BooleanField()))


_LATEST_RUN_DURATION = Case(
    When(_JOB_IS_LOST, then=None),
    When(latest_run_state=_RUNNING, then=Now() - F("latest_run_started_at")),
    When(
        latest_run_ended_at__gte=F("latest_run_started_at"),
        then=F("latest_run_ended_at") - F("latest_run_started_at"),
    ),
    output_field=models.DurationField(),
)


def _attention(failed: Q, running: Q) -> Case:
    """What needs it most has the least."""
    return Case(
        When(failed, then=Value(0)),
        When(running, then=Value(1)),
        When(latest_run_id__isnull=False, then=Value(2)),
        default=Value(3),
        output_field=models.SmallIntegerField(),
    )


# Of all jobs, so by what their rows say: what was lost began before what still runs, and so stands above it anyway.
_ROW_FAILED, _ROW_RUNNING = Q(latest_run_state=_FAILED), Q(running_runs__gt=0)
_ATTENTION = _attention(_ROW_FAILED, _ROW_RUNNING)
_RUNNING_RUNS = _OnRow(_now(states.job_running_runs), output_field=models.IntegerField())
# Of a latest run that has no end.
_BEGAN = Case(When(latest_run_state=_RUNNING, then=F("latest_run_at")))
# What a reader may sort jobs by. Expressions that can be unknown sort last in both directions.
JOB_SORT_KEYS: dict[str, models.expressions.Combinable] = {
    "name": Lower("name"),
    "kind": F("kind"),
    "started": F("latest_run_started_at"),
    "ended": F("latest_run_ended_at"),
    "duration": _LATEST_RUN_DURATION,
    "state": _ATTENTION,
    # Of all jobs, so not as they are shown: each of their running runs would be looked at.
    "running": Case(When(_JOB_IS_RUNNING, then=F("running_runs")), default=Value(0)),
}


# What a reader looks for inside something else: a task in its DAG, a test or a query below its model.
FOLDED_KINDS = ("TASK", "TEST", "SQL")


@dataclass(frozen=True, slots=True)
class InnerJobs:
    """How many jobs another one contains, and how many of them fail, were lost, or run."""

    total: int
    failing: int
    lost: int
    running: int


def jobs_in_state(state: str) -> Q:
    """Of a job: whether its latest run is shown in this state; RUNNING: any of its runs is; NO_RUN: it never ran."""
    if state == _RUNNING:
        return _JOB_IS_RUNNING
    if state == _LOST:
        return _JOB_IS_LOST
    if state == NO_RUN:
        return Q(latest_run_state__isnull=True)
    return Q(latest_run_state=state)


def add_up_states(rows: Iterable[tuple[str | None, bool, int]]) -> dict[str, int]:
    """What `counts_by_state` gives, of jobs that have the latest run in a state and any run running or none."""
    counts: Counter[str] = Counter()
    for state, is_running, jobs in rows:
        counts[ALL_STATES] += jobs
        if is_running:
            counts[_RUNNING] += jobs
        if state != _RUNNING:
            counts[state or NO_RUN] += jobs
    return counts


class _OfVisibleConnections(models.QuerySet):  # type: ignore[type-arg]
    def visible(self) -> Self:
        """Those of connections that nobody removed."""
        return self.filter(connection__removed_at__isnull=True)

    def of(self, connection: Connection) -> Self:
        """Those of one connection."""
        return self.filter(connection_id=connection.pk)


class EventQuerySet(_OfVisibleConnections):
    pass


class JobQuerySet(_OfVisibleConnections):
    def with_states(self) -> Self:
        """Each with the `shown_state` of its latest run, and how many `shown_running_runs` it has: what was lost no
        longer runs. It costs some look-ups for each row that seems to be running."""
        return self.annotate(
            shown_state=_OnRow(_now(states.job_state), output_field=models.TextField(null=True)),
            shown_running_runs=_RUNNING_RUNS,
        )

    def in_state(self, state: str) -> Self:
        """Those whose latest run is shown in this state; RUNNING: with any running run; NO_RUN: that never ran."""
        return self.filter(jobs_in_state(state))

    def named(self, text: str) -> Self:
        """Those whose name contains each of the words, in any case and order."""
        return self.filter(*(Q(name__icontains=word) for word in text.split()))

    def owned_by(self, owner: str) -> Self:
        return self.filter(owners__contains=[owner])

    def tagged(self, tag: str) -> Self:
        return self.filter(tags__contains=[tag])

    def on_top(self) -> Self:
        """Those that do not fold under another job of their connection."""
        outer = self.model.objects.filter(connection_id=OuterRef("connection_id"), id=OuterRef("parent_job_id"))
        return self.exclude(Exists(outer), kind__in=FOLDED_KINDS)

    def inside(self, parent_ids: Collection[UUID]) -> Self:
        """Those that fold under one of these jobs."""
        return self.filter(parent_job_id__in=parent_ids, kind__in=FOLDED_KINDS)

    def inner_jobs(self) -> dict[UUID, InnerJobs]:
        """Parent's id → what it contains, of those that have a parent."""
        rows = (
            self.order_by()
            .values("parent_job_id")
            .annotate(
                total=Count("id"),
                failing=Count("id", filter=jobs_in_state(_FAILED)),
                lost=Count("id", filter=jobs_in_state(_LOST)),
                running=Count("id", filter=jobs_in_state(_RUNNING)),
            )
        )
        return {row.pop("parent_job_id"): InnerJobs(**row) for row in rows}

    def counts_by_state(self) -> dict[str, int]:
        """State → how many jobs `in_state` finds; ALL_STATES → how many there are. A job may count for two."""
        states = self.order_by().annotate(is_lost=_JOB_IS_LOST, is_running=_JOB_IS_RUNNING)
        rows = states.values_list("latest_run_state", "is_lost", "is_running").annotate(jobs=Count("id"))
        return add_up_states((_LOST if is_lost else state, runs, jobs) for state, is_lost, runs, jobs in rows)

    def needing_attention_first(self, *, with_inner: bool = False) -> Self:
        """Failing ones, then those without an end, first of all those that began first; then the others, the latest
        first. With those that fold under them: a DAG whose task fails is failing."""
        attention = self._attention_with_inner() if with_inner else _ATTENTION
        latest = F("latest_run_at").desc(nulls_last=True)
        return self.order_by(attention, _BEGAN.asc(nulls_last=True), latest, Lower("name"), "id")

    def _attention_with_inner(self) -> Case:
        inner = self.model.objects.filter(
            connection_id=OuterRef("connection_id"), parent_job_id=OuterRef("id"), kind__in=FOLDED_KINDS
        )
        failed, running = (row | Q(Exists(inner.filter(row))) for row in (_ROW_FAILED, _ROW_RUNNING))
        return _attention(failed, running)

    def sorted_by(self, key: str, *, descending: bool, with_inner: bool = False) -> Self:
        """By one of JOB_SORT_KEYS; what is unknown stands last either way."""
        expression = self._attention_with_inner() if with_inner and key == "state" else JOB_SORT_KEYS[key]
        first: OrderBy = expression.desc(nulls_last=True) if descending else expression.asc(nulls_last=True)  # type: ignore[attr-defined]
        return self.order_by(first, Lower("name"), "id")


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


class RunQuerySet(_OfVisibleConnections):
    def with_states(self) -> Self:
        """Each with its `shown_state` and `shown_ended_at`: see docs/run-states.md. It costs some look-ups for each row
        that is read."""
        return self.annotate(
            shown_state=_SHOWN_STATE,
            shown_ended_at=_OnRow(states.settled_end, output_field=models.DateTimeField(null=True)),
        )

    def shown(self) -> Self:
        """The same, without the stand-ins for tasks that reported after all: as lists show runs."""
        return self.with_states().exclude(_HIDDEN)

    def in_state(self, state: str) -> Self:
        """Those that are shown in this state."""
        runs = self.filter(state__in=_OWN_STATES[state]) if state in _OWN_STATES else self
        told_by_time = state in (_RUNNING, _LOST)
        return runs.alias(wanted_state=_SHOWN_STATE if told_by_time else _SETTLED_STATE).filter(wanted_state=state)

    def took_place_since(self, moment: datetime) -> Self:
        return self.filter(run_at__gte=moment)

    def took_place_before(self, moment: datetime) -> Self:
        return self.filter(run_at__lt=moment)

    def lasting_at_least(self, duration: timedelta, *, now: datetime) -> Self:
        """Those that took so long, and those that run for so long already. Of others it is not known."""
        running = Q(state=_RUNNING, started_at__lte=now - duration)
        return self.filter(Q(ended_at__gte=F("started_at") + duration) | running)

    def of_jobs(self, jobs: JobQuerySet) -> Self:
        """Those of these jobs. Asks first which they are: few are named one by one, for PostgreSQL to plan by."""
        ids = list(jobs.values_list("id", flat=True)[: _FEW_JOBS + 1])
        return self.filter(job_id__in=ids if len(ids) <= _FEW_JOBS else jobs.values("id"))

    def count_up_to(self, most: int) -> int:
        """How many they are, or `most + 1` where there are more than that."""
        return self.order_by()[: most + 1].count()

    def count_with_failures(self) -> tuple[int, int]:
        """How many they are, and how many of them failed."""
        # An index alone counts all. Few are hidden, and few fail: only of those other rows are looked at.
        may_be_hidden = self.filter(Q(told_state__isnull=False) | Q(invocation_id__isnull=False))
        failed = self.shown().in_state(_FAILED)
        return self.count() - may_be_hidden.filter(Q(_HIDDEN)).count(), failed.count()

    def error_messages(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Run id → what went wrong, of those runs whose sender said it. For runs of one connection."""
        rows = self.filter(id__in=ids, error_message__isnull=False).values_list("id", "error_message")
        return dict(rows)


class DatasetQuerySet(_OfVisibleConnections):
    pass


class EdgeQuerySet(_OfVisibleConnections):
    pass
