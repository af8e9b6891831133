"""Reads of jobs. They import no models: models import them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Count, F, Func, Q, Value, When
from django.db.models.functions import Lower, Now

from lineage.models.of_connection import OfVisibleConnections
from lineage.models.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from django.db.models.expressions import OrderBy


# So many are named one by one, for PostgreSQL to plan by.
FEW_JOBS = 200

# Stands for "no run yet" among the states that `in_state` takes.
NO_RUN = "NONE"
ALL_STATES = "ALL"


_LATEST_RUN_DURATION = Case(
    When(latest_run_state=RunState.RUNNING, then=Now() - F("latest_run_started_at")),
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


def _attention(inside: Mapping[UUID, InnerJobs]) -> Case:
    """What needs it most has the least."""
    failing = [id_ for id_, inner in inside.items() if inner.failing]
    losing = [id_ for id_, inner in inside.items() if inner.lost]
    running = [id_ for id_, inner in inside.items() if inner.running]
    return Case(
        When(Q(latest_run_state=RunState.FAILED) | _is_among("id", failing), then=Value(0)),
        When(Q(latest_run_state=RunState.LOST) | _is_among("id", losing), then=Value(1)),
        When(Q(running_runs__gt=0) | _is_among("id", running), then=Value(2)),
        When(latest_run_id__isnull=False, then=Value(3)),
        default=Value(4),
        output_field=models.SmallIntegerField(),
    )


# Of a latest run that has no end.
_BEGAN = Case(When(latest_run_state__in=(RunState.RUNNING, RunState.LOST), then=F("latest_run_at")))
# What a reader may sort jobs by. Expressions that can be unknown sort last in both directions.
JOB_SORT_KEYS: dict[str, models.expressions.Combinable] = {
    "name": Lower("name"),
    "kind": F("kind"),
    "started": F("latest_run_started_at"),
    "ended": F("latest_run_ended_at"),
    "duration": _LATEST_RUN_DURATION,
    "state": _attention(_NOTHING_INSIDE),
    "running": F("running_runs"),
}


# What `for_list` reads of a job.
_LISTED = (
    *("connection_id", "id", "namespace", "name", "kind", "parent_job_id"),
    *("latest_run_id", "latest_run_state", "latest_run_at", "latest_run_started_at", "latest_run_ended_at"),
    "running_runs",
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
        self.failing += jobs * (state == RunState.FAILED)
        self.lost += jobs * (state == RunState.LOST)
        self.running += jobs * runs


def jobs_in_state(state: str) -> Q:
    """Of a job: whether its latest run is shown in this state; RUNNING: any of its runs is; NO_RUN: it never ran."""
    if state == RunState.RUNNING:
        return Q(running_runs__gt=0)
    if state == NO_RUN:
        return Q(latest_run_state__isnull=True)
    return Q(latest_run_state=state)


def add_up_states(rows: Iterable[tuple[str | None, bool, int]]) -> dict[str, int]:
    """What `counts_by_state` gives, of jobs that have the latest run in a state and any run running or none."""
    counts: Counter[str] = Counter()
    for state, is_running, jobs in rows:
        counts[ALL_STATES] += jobs
        if is_running:
            counts[RunState.RUNNING] += jobs
        if state != RunState.RUNNING:
            counts[state or NO_RUN] += jobs
    return counts


class JobQuerySet(OfVisibleConnections):
    def shown(self) -> Self:
        """As lists show jobs: without those for whose runs another job's stand."""
        return self.filter(is_hidden=False)

    def for_list(self) -> Self:
        """Each with what a row of a list says of it: PostgreSQL carries the columns of all through the sorting."""
        return self.only(*_LISTED)

    def in_state(self, state: str) -> Self:
        """Those whose latest run is shown in this state; RUNNING: with any running run; NO_RUN: that never ran."""
        return self.filter(jobs_in_state(state))

    def named(self, text: str) -> Self:
        """Those whose name contains each of the words, in any case and order."""
        return self.filter(*(Q(name__icontains=word) for word in text.split()))

    def looked_up(self) -> Self:
        """The same jobs, where they are few by their ids: asks which they are, for several queries to follow."""
        ids = list(self.order_by().values_list("id", flat=True)[: FEW_JOBS + 1])
        return self.filter(id__in=ids) if len(ids) <= FEW_JOBS else self

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
        states = self.order_by().annotate(is_running=jobs_in_state(RunState.RUNNING))
        return add_up_states(states.values_list("latest_run_state", "is_running").annotate(jobs=Count("id")))

    def needing_attention_first(self, inside: Mapping[UUID, InnerJobs] = _NOTHING_INSIDE) -> Self:
        """Failing ones, then those that were lost, then those that run, of both first those that began first; then the
        others, the latest first. `inside`: what the jobs contain, where that counts as theirs: a DAG whose task fails
        is failing."""
        latest = F("latest_run_at").desc(nulls_last=True)
        return self.order_by(_attention(inside), _BEGAN.asc(nulls_last=True), latest, Lower("name"), "id")

    def sorted_by(self, key: str, *, descending: bool, inside: Mapping[UUID, InnerJobs] = _NOTHING_INSIDE) -> Self:
        """By one of JOB_SORT_KEYS; what is unknown stands last either way.

        `inside`: as `needing_attention_first` has it, where the key is the state.
        """
        expression = _attention(inside) if key == "state" else JOB_SORT_KEYS[key]
        first: OrderBy = expression.desc(nulls_last=True) if descending else expression.asc(nulls_last=True)  # type: ignore[attr-defined]
        return self.order_by(first, Lower("name"), "id")
