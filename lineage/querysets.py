"""Reads of events, jobs, runs, datasets and edges. They import no models: models import them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Count, F, Func, Q, Value, When
from django.db.models.functions import Lower, Now
from django.db.models.lookups import GreaterThanOrEqual
from django.utils import timezone

from lineage import shown_states, states

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime, timedelta
    from uuid import UUID

    from django.db.models.expressions import Col, OrderBy

    from connections.models import Connection
    from lineage.models import Dataset, Edge, Event, Job, Run  # noqa: F401 - for annotations

# States of a job's latest run, as the rows say them.
_RUNNING, _FAILED, _LOST = "RUNNING", "FAILED", "LOST"
_TOLD_STATES = ("SKIPPED", "UPSTREAM_FAILED")

# So many are named one by one, for PostgreSQL to plan by.
_FEW_JOBS = 200
_FEW_TOLD = 500

# Stands for "no run yet" among the states that `in_state` takes.
NO_RUN = "NONE"
ALL_STATES = "ALL"


# In an expression, where it asks for the time: that at which the query is made, for a queryset may be older. It is
# a parameter, so that PostgreSQL knows the statement again.
_MOMENT = "%s::timestamptz"


class _OnRow(Func):
    """One of the expressions of lineage/states.py or shown_states.py, on the rows of a queryset of runs or jobs."""

    def __init__(self, write: Callable[[str], str], *, output_field: models.Field[Any, Any]) -> None:
        super().__init__(F("id"), output_field=output_field)
        self.write = write

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002
        column = cast("Col", self.source_expressions[0])
        sql = self.write(compiler.quote_name_unless_alias(column.alias))
        return sql, (timezone.now(),) * sql.count(_MOMENT)


def _now(expression: Callable[[str, str], str]) -> Callable[[str], str]:
    return lambda row: expression(row, _MOMENT)


_SHOWN_STATE = _OnRow(_now(shown_states.shown_state), output_field=models.TextField())
# The same but for what is shown as RUNNING or LOST, and cheaper to tell.
_SETTLED_STATE = _OnRow(states.settled_state, output_field=models.TextField())
_SETTLED_END = _OnRow(states.settled_end, output_field=models.DateTimeField(null=True))
_RUN_IS_RUNNING = Q(_OnRow(_now(shown_states.is_running), output_field=models.BooleanField()))
_HIDDEN = _OnRow(states.hidden, output_field=models.BooleanField())
_IN_DOUBT = Q(_OnRow(states.in_doubt, output_field=models.BooleanField()))
_JOB_IS_SHOWN = Q(_OnRow(states.job_is_shown, output_field=models.BooleanField()))
_JOB_IS_RUNNING = Q(_OnRow(_now(shown_states.job_is_running), output_field=models.BooleanField()))
_JOB_IS_LOST = Q(_OnRow(_now(shown_states.job_is_lost), output_field=models.BooleanField()))


_LATEST_RUN_DURATION = Case(
    When(_JOB_IS_LOST, then=None),
    When(latest_run_state=_RUNNING, then=Now() - F("latest_run_started_at")),
    When(
        latest_run_ended_at__gte=F("latest_run_started_at"),
        then=F("latest_run_ended_at") - F("latest_run_started_at"),
    ),
    output_field=models.DurationField(),
)


_NEVER = Q(pk__in=())
_NOTHING_INSIDE: Mapping[UUID, InnerJobs] = MappingProxyType({})


class _IsAmong(Func):
    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = models.BooleanField()


def _is_among(column: str, ids: Collection[UUID]) -> Q:
    """Whether it is one of these ids: one parameter, however many they are."""
    return Q(_IsAmong(F(column), Value(list(ids), ArrayField(models.UUIDField())))) if ids else _NEVER


def _attention(inside: Mapping[UUID, InnerJobs], lost: Collection[UUID] | None) -> Case:
    """What needs it most has the least. All jobs are asked, and whether one was lost takes some look-ups: who knows
    already, says in `lost` which they are."""
    failing = [id_ for id_, inner in inside.items() if inner.failing]
    losing = [id_ for id_, inner in inside.items() if inner.lost]
    running = [id_ for id_, inner in inside.items() if inner.running]
    is_lost = _JOB_IS_LOST if lost is None else _is_among("id", lost)
    return Case(
        When(Q(latest_run_state=_FAILED) | _is_among("id", failing), then=Value(0)),
        When(_is_among("id", losing) | is_lost, then=Value(1)),
        When(Q(running_runs__gt=0) | _is_among("id", running), then=Value(2)),
        When(latest_run_id__isnull=False, then=Value(3)),
        default=Value(4),
        output_field=models.SmallIntegerField(),
    )


_RUNNING_RUNS = _OnRow(_now(shown_states.job_running_runs), output_field=models.IntegerField())
# Of a latest run that has no end.
_BEGAN = Case(When(latest_run_state=_RUNNING, then=F("latest_run_at")))
# What a reader may sort jobs by. Expressions that can be unknown sort last in both directions.
JOB_SORT_KEYS: dict[str, models.expressions.Combinable] = {
    "name": Lower("name"),
    "kind": F("kind"),
    "started": F("latest_run_started_at"),
    "ended": F("latest_run_ended_at"),
    "duration": _LATEST_RUN_DURATION,
    "state": _attention(_NOTHING_INSIDE, None),
    # Of all jobs, so not as they are shown: each of their running runs would be looked at.
    "running": Case(When(_JOB_IS_RUNNING, then=F("running_runs")), default=Value(0)),
}


# What `for_list` reads of a job.
_LISTED = (
    *("connection_id", "id", "namespace", "name", "kind", "parent_job_id"),
    *("latest_run_id", "latest_run_state", "latest_run_at", "latest_run_started_at", "latest_run_ended_at"),
)

# What a reader looks for inside something else: a task in its DAG, a test or a query below its model.
FOLDED_KINDS = ("TASK", "TEST", "SQL")


@dataclass(slots=True)
class InnerJobs:
    """How many jobs another one contains, and how many of them fail, were lost, or run."""

    total: int = 0
    failing: int = 0
    lost: int = 0
    running: int = 0

    def add(self, state: str | None, jobs: int, *, runs: bool) -> None:
        """So many more, with the latest run in a state, and with any run running or none."""
        self.total += jobs
        self.failing += jobs * (state == _FAILED)
        self.lost += jobs * (state == _LOST)
        self.running += jobs * runs


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
    def shown(self) -> Self:
        """As lists show jobs: without those for whose runs another job's stand."""
        return self.filter(_JOB_IS_SHOWN)

    def with_states(self) -> Self:
        """Each with the `shown_state` of its latest run, and how many `shown_running_runs` it has: what was lost no
        longer runs. It costs some look-ups for each row that seems to be running."""
        return self.annotate(
            shown_state=_OnRow(_now(shown_states.job_state), output_field=models.TextField(null=True)),
            shown_running_runs=_RUNNING_RUNS,
        )

    def for_list(self) -> Self:
        """Each with what a row of a list says of it: PostgreSQL carries the columns of all through the sorting."""
        return self.with_states().only(*_LISTED)

    def in_state(self, state: str) -> Self:
        """Those whose latest run is shown in this state; RUNNING: with any running run; NO_RUN: that never ran."""
        return self.filter(jobs_in_state(state))

    def named(self, text: str) -> Self:
        """Those whose name contains each of the words, in any case and order."""
        return self.filter(*(Q(name__icontains=word) for word in text.split()))

    def looked_up(self) -> Self:
        """The same jobs, where they are few by their ids: asks which they are, for several queries to follow."""
        ids = list(self.order_by().values_list("id", flat=True)[: _FEW_JOBS + 1])
        return self.filter(id__in=ids) if len(ids) <= _FEW_JOBS else self

    def owned_by(self, owner: str) -> Self:
        return self.filter(owners__contains=[owner])

    def tagged(self, tag: str) -> Self:
        return self.filter(tags__contains=[tag])

    def outside(self, parent_ids: Collection[UUID]) -> Self:
        """Those that do not fold under any of these jobs."""
        inside = _is_among("parent_job_id", parent_ids)
        return self.exclude(inside, parent_job_id__isnull=False, kind__in=FOLDED_KINDS)

    def inside(self, parent_ids: Collection[UUID]) -> Self:
        """Those that fold under one of these jobs, as lists show them."""
        return self.shown().filter(parent_job_id__in=parent_ids, kind__in=FOLDED_KINDS)

    def counts_by_state(self) -> dict[str, int]:
        """State → how many jobs `in_state` finds; ALL_STATES → how many there are. A job may count for two."""
        states = self.order_by().annotate(is_lost=_JOB_IS_LOST, is_running=_JOB_IS_RUNNING)
        rows = states.values_list("latest_run_state", "is_lost", "is_running").annotate(jobs=Count("id"))
        return add_up_states((_LOST if is_lost else state, runs, jobs) for state, is_lost, runs, jobs in rows)

    def needing_attention_first(
        self, inside: Mapping[UUID, InnerJobs] = _NOTHING_INSIDE, *, lost: Collection[UUID] | None = None
    ) -> Self:
        """Failing ones, then those that were lost, then those that run, of both first those that began first; then the
        others, the latest first. `inside`: what the jobs contain, where that counts as theirs: a DAG whose task fails
        is failing. `lost`: those whose latest run was lost, where that is known already."""
        latest = F("latest_run_at").desc(nulls_last=True)
        return self.order_by(_attention(inside, lost), _BEGAN.asc(nulls_last=True), latest, Lower("name"), "id")

    def sorted_by(
        self,
        key: str,
        *,
        descending: bool,
        inside: Mapping[UUID, InnerJobs] = _NOTHING_INSIDE,
        lost: Collection[UUID] | None = None,
    ) -> Self:
        """By one of JOB_SORT_KEYS; what is unknown stands last either way. `inside`, `lost`: as
        `needing_attention_first` has them, where the key is the state."""
        expression = _attention(inside, lost) if key == "state" else JOB_SORT_KEYS[key]
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
        return self.annotate(shown_state=_SHOWN_STATE, shown_ended_at=_SETTLED_END)

    def shown(self) -> Self:
        """The same as lists show runs: without those that others stand for."""
        return self.with_states().exclude(_HIDDEN)

    def in_state(self, state: str) -> Self:
        """Those that are shown in this state."""
        told_by_time = state in (_RUNNING, _LOST)
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
        running = Q(state=_RUNNING, started_at__lte=now - duration) & _RUN_IS_RUNNING
        may_last = self.filter(Q(ended_at__gte=end) | Q(ended_at__isnull=True, started_at__isnull=False))
        return may_last.filter(Q(ended_at__isnull=False) | told | running)

    def of_jobs(self, jobs: JobQuerySet) -> Self:
        """Those of these jobs. Asks first which they are."""
        ids = list(jobs.values_list("id", flat=True)[: _FEW_JOBS + 1])
        return self.filter(job_id__in=ids if len(ids) <= _FEW_JOBS else jobs.values("id"))

    def count_up_to(self, most: int) -> int:
        """How many they are, or `most + 1` where there are more than that."""
        # Without what is not asked for: each state takes some look-ups.
        return self.order_by().values("id")[: most + 1].count()

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
