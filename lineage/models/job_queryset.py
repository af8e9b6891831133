"""Queryset of jobs. It imports no models, because models import it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Count, F, Func, Q, Value, When
from django.db.models.functions import Lower, Now

from lineage.events.clocks import LONGEST, MOST_AHEAD
from lineage.models.clocks import has_known_duration
from lineage.models.connection_scope import ConnectionScopedQuerySet
from lineage.models.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from django.db.models.expressions import OrderBy


# Up to this number, jobs are given to a query as a list of ids, with which PostgreSQL plans better.
FEW_JOBS = 200

# Value for "no run yet" among the states that `in_state` accepts.
NO_RUN = "NONE"
ALL_STATES = "ALL"


_LATEST_RUN_DURATION = Case(
    When(
        latest_run_state=RunState.RUNNING,
        then=Case(When(latest_run_started_at__gte=Now() - LONGEST, then=Now() - F("latest_run_started_at"))),
    ),
    When(
        has_known_duration("latest_run_started_at", "latest_run_ended_at"),
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
    """Condition: the column is one of these ids. Uses one parameter for any number of ids."""
    return Q(_IsAmong(F(column), Value(list(ids), ArrayField(models.UUIDField())))) if ids else _NEVER


def _attention(inside: Mapping[UUID, InnerJobs]) -> Case:
    """Rank jobs by how much attention they need: failing 0, lost 1, running 2, other 3, never ran 4."""
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


# Start of a latest run that has no end, unless it is impossibly early.
_BEGAN = Case(
    When(
        latest_run_state__in=(RunState.RUNNING, RunState.LOST),
        latest_run_at__gte=Now() - LONGEST,
        then=F("latest_run_at"),
    )
)
# Ends that are impossible sort as if they were unknown.
_ENDED = Case(When(latest_run_ended_at__lte=Now() + MOST_AHEAD, then=F("latest_run_ended_at")))
# `latest_run_at` is the start as far as it is believed.
_STARTED = Case(When(latest_run_started_at__isnull=False, then=F("latest_run_at")))
# Sort keys of job lists. Null sorts last in both directions.
JOB_SORT_KEYS: dict[str, models.expressions.Combinable] = {
    "name": Lower("name"),
    "kind": F("kind"),
    "started": _STARTED,
    "ended": _ENDED,
    "duration": _LATEST_RUN_DURATION,
    "state": _attention(_NOTHING_INSIDE),
    "running": F("running_runs"),
}


# Columns that `for_list` reads.
_LISTED = (
    *("connection_id", "id", "namespace", "name", "kind", "parent_job_id"),
    *("latest_run_id", "latest_run_sent_id", "latest_run_state"),
    *("latest_run_at", "latest_run_started_at", "latest_run_ended_at"),
    "running_runs",
)

# Columns that only the digest needs, and times at which facets were sent.
_BOOKKEEPING = (
    *("described_at", "description_said_at", "owners_said_at", "tags_said_at", "schedule_said_at", "source_said_at"),
    *("parent_said_at", "declared_at", "usual_at_run_id", "usual_at_state"),
)

# Kinds that lists show inside their parent: a task in its DAG, a test or a query below its model.
FOLDED_KINDS = ("TASK", "TEST", "SQL")


@dataclass(slots=True)
class InnerJobs:
    """Number of jobs that a job contains, and how many of them fail, are lost, or run."""

    total: int = 0
    failing: int = 0
    lost: int = 0
    running: int = 0

    def add(self, state: str | None, jobs: int, *, runs: bool) -> None:
        """Add `jobs` jobs whose latest run is in `state`. `runs`: they have a running run."""
        self.total += jobs
        self.failing += jobs * (state == RunState.FAILED)
        self.lost += jobs * (state == RunState.LOST)
        self.running += jobs * runs


def jobs_in_state(state: str) -> Q:
    """Condition on a job: its latest run is shown in this state; RUNNING: any of its runs is; NO_RUN: it never ran."""
    if state == RunState.RUNNING:
        return Q(running_runs__gt=0)
    if state == NO_RUN:
        return Q(latest_run_state__isnull=True)
    return Q(latest_run_state=state)


def add_up_states(rows: Iterable[tuple[str | None, bool, int]]) -> dict[str, int]:
    """Sum up rows of (latest run's state, has a running run, number of jobs) into the result of `counts_by_state`."""
    counts: Counter[str] = Counter()
    for state, is_running, jobs in rows:
        counts[ALL_STATES] += jobs
        if is_running:
            counts[RunState.RUNNING] += jobs
        if state != RunState.RUNNING:
            counts[state or NO_RUN] += jobs
    return counts


class JobQuerySet(ConnectionScopedQuerySet):
    def shown(self) -> Self:
        """Keep the jobs that lists show, without those for which runs of other jobs are shown."""
        return self.filter(is_hidden=False)

    def for_list(self, *others: str) -> Self:
        """Read only the columns of a list, and others: while PostgreSQL sorts, it carries all columns along."""
        return self.only(*_LISTED, *others)

    def for_page(self) -> Self:
        """Read the columns that a page about a job shows."""
        return self.defer(*_BOOKKEEPING)

    def in_state(self, state: str) -> Self:
        """Keep jobs whose latest run is shown in this state; RUNNING: with any running run; NO_RUN: that never ran."""
        return self.filter(jobs_in_state(state))

    def named(self, text: str) -> Self:
        """Keep jobs whose name contains each of the words, in any case and order."""
        return self.filter(*(Q(name__icontains=word) for word in text.split()))

    def looked_up(self) -> Self:
        """Replace the conditions by a list of ids if the jobs are few, so that later queries are cheap. Runs one
        query."""
        ids = list(self.order_by().values_list("id", flat=True)[: FEW_JOBS + 1])
        return self.filter(id__in=ids) if len(ids) <= FEW_JOBS else self

    def owned_by(self, owner: str) -> Self:
        return self.filter(owners__contains=[owner])

    def tagged(self, tag: str) -> Self:
        return self.filter(tags__contains=[tag])

    def outside(self, parent_ids: Collection[UUID]) -> Self:
        """Leave out the jobs that lists show inside one of these jobs."""
        inside = _is_among("parent_job_id", parent_ids)
        return self.exclude(inside, parent_job_id__isnull=False, kind__in=FOLDED_KINDS)

    def inside(self, parent_ids: Collection[UUID]) -> Self:
        """Keep the shown jobs that lists show inside one of these jobs."""
        return self.shown().filter(parent_job_id__in=parent_ids, kind__in=FOLDED_KINDS)

    def counts_by_state(self) -> dict[str, int]:
        """Count jobs: state → number of jobs that `in_state` finds; ALL_STATES → all jobs. A job may count in two
        states."""
        states = self.order_by().annotate(is_running=jobs_in_state(RunState.RUNNING))
        return add_up_states(states.values_list("latest_run_state", "is_running").annotate(jobs=Count("id")))

    def needing_attention_first(self, inside: Mapping[UUID, InnerJobs] = _NOTHING_INSIDE) -> Self:
        """Sort failing jobs first, then lost ones, then running ones, then the others.

        Lost and running jobs are sorted by start, the earliest first; the others by latest run, the latest first.
        `inside`: jobs inside each job, whose states count as its own: a DAG with a failing task is failing.
        """
        latest = F("latest_run_at").desc(nulls_last=True)
        return self.order_by(_attention(inside), _BEGAN.asc(nulls_last=True), latest, Lower("name"), "id")

    def sorted_by(self, key: str, *, descending: bool, inside: Mapping[UUID, InnerJobs] = _NOTHING_INSIDE) -> Self:
        """Sort by one of JOB_SORT_KEYS; unknown values come last in both directions.

        `inside`: used if the key is the state; see `needing_attention_first`.
        """
        expression = _attention(inside) if key == "state" else JOB_SORT_KEYS[key]
        first: OrderBy = expression.desc(nulls_last=True) if descending else expression.asc(nulls_last=True)  # type: ignore[attr-defined]
        return self.order_by(first, Lower("name"), "id")
