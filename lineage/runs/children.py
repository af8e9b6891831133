"""The child runs of one run by their states, where there are thousands of them: the instances of mapped tasks.

A run's `shown_state` costs a few look-ups for each row. Of most children they are not needed: one that completed is
Completed, unless the DAG run told another state of its task, which is asked once for all.
"""

from uuid import UUID

from django.db.models import Case, Count, F, Q, TextField, Value, When

from lineage.models import Run, RunState
from lineage.models.run_queryset import RunQuerySet


def child_counts(children: RunQuerySet, *, connection_id: UUID, parent_id: UUID) -> dict[str, int]:
    """Shown state → how many of them are in it. `children` come with their `shown_state`, and most, if not all, belong
    to this parent in this connection."""
    rows = children.order_by().annotate(child_state=_child_state(connection_id, parent_id)).values_list("child_state")
    return dict(rows.annotate(runs=Count("id")))


def children_in_state(children: RunQuerySet, state: str, *, connection_id: UUID, parent_id: UUID) -> RunQuerySet:
    """Those of them that are shown in this state."""
    if state != RunState.COMPLETED:
        return children.in_state(state)
    found: RunQuerySet = children.alias(child_state=_child_state(connection_id, parent_id)).filter(child_state=state)
    return found


def _child_state(connection_id: UUID, parent_id: UUID) -> Case:
    """The same as `shown_state`, as lineage/models/shown_state_sql.py derives it, sooner."""
    told = Run.objects.filter(connection_id=connection_id, parent_run_id=parent_id, told_state__isnull=False)
    told_otherwise = told.exclude(told_state=RunState.COMPLETED).values("job_id")
    of_parent = Q(connection_id=connection_id, parent_run_id=parent_id, told_state__isnull=True)
    completed = Q(state=RunState.COMPLETED)
    as_it_said = Q(map_index__isnull=False) | ~Q(job_id__in=told_otherwise)
    return Case(
        When(of_parent & completed & as_it_said, then=Value(RunState.COMPLETED)),
        default=F("shown_state"),
        output_field=TextField(),
    )
