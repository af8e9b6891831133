"""lineage_run: one execution of a job."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce

from lineage.models.job import Job
from lineage.models.of_connection import connection_key
from lineage.models.run_queryset import RunQuerySet
from lineage.models.run_state import RunState


class Run(models.Model):
    """One execution of a job. `id` is the sender's runId, scoped by connection."""

    State = RunState

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    # What the sender wrote, where that was no UUID (`id` is then derived from it); else empty.
    external_id = models.TextField(default="")
    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="runs")
    # Whether a START or RUNNING event was received, and the type of the terminal event that won, if any: or what is
    # meant by it (Outcome in lineage/events/event.py).
    active = models.BooleanField(default=False)
    terminal_type = models.TextField(null=True)  # noqa: DJ001
    # Least time of a START event, and time of the winning terminal one. Null: not received.
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    first_event_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    event_count = models.IntegerField()
    nominal_start_at = models.DateTimeField(null=True)
    nominal_end_at = models.DateTimeField(null=True)
    attempt = models.IntegerField(null=True)
    # As the sender says it: see shown_max_attempts.
    max_attempts = models.IntegerField(null=True)
    map_index = models.IntegerField(null=True)
    parent_run_id = models.UUIDField(null=True)
    parent_job_namespace = models.TextField(default="")
    parent_job_name = models.TextField(default="")
    root_run_id = models.UUIDField(null=True)
    root_job_namespace = models.TextField(default="")
    root_job_name = models.TextField(default="")
    parent_at = models.DateTimeField(null=True)
    error_message = models.TextField(null=True)  # noqa: DJ001
    error_at = models.DateTimeField(null=True)
    external_query_id = models.TextField(default="")
    # Of the edges that its events name, sorted.
    edge_ids = ArrayField(models.UUIDField(), default=list)
    # Of a stand-in for a task that its DAG told of: what was told, and how long the task took where that was told, too.
    # None: the run reported for itself.
    told_state = models.TextField(null=True)  # noqa: DJ001
    told_duration_ms = models.IntegerField(null=True)
    # Of a run that is in doubt, for its events do not say whether it failed or was skipped: jobs that it needs, whose
    # runs beside it tell more. A model may stand there by its table: then its own run has the same id here.
    needed_job_ids = ArrayField(models.UUIDField(), null=True)
    # Of a node that was sent by itself, and ended: what its name is looked for by.
    # Of tests that may be sent again by themselves, all of a node as one run or one without a result: what those that
    # have one are looked for by.
    node_id = models.UUIDField(null=True)
    test_ids = ArrayField(models.UUIDField(), null=True)
    earlier_parent_run_ids = ArrayField(models.UUIDField(), null=True)
    # Of what it was part of, where that may be sent twice, under other run ids.
    invocation_id = models.UUIDField(null=True)
    # What the orchestrator itself calls it, if that is not its run id; else empty. Other runs may be called the same:
    # those of all DAGs with one schedule.
    orchestrator_run_id = models.TextField(default="")
    # What it is shown as, by all runs that have a say in it: stored by lineage/states. Hidden until it is settled.
    shown_state = models.TextField(choices=RunState, default=RunState.UNKNOWN)
    shown_ended_at = models.DateTimeField(null=True)
    # Whether another run is shown in its place.
    is_hidden = models.BooleanField(default=True)
    # From when on it counts as lost, if nothing more is received. Null: it does not run, or need never end.
    lost_after = models.DateTimeField(null=True)
    # Parent run, job and invocation that it had before an event named others, three ids each, until it is settled.
    left_families = ArrayField(models.UUIDField(null=True), null=True)
    # What its own events say.
    state = models.GeneratedField(
        expression=models.Case(
            models.When(told_state__isnull=False, then=models.F("told_state")),
            models.When(terminal_type="COMPLETE", then=models.Value("COMPLETED")),
            models.When(terminal_type="SKIP", then=models.Value("SKIPPED")),
            models.When(terminal_type="ABORT", then=models.Value("ABORTED")),
            models.When(terminal_type__isnull=False, then=models.Value("FAILED")),
            models.When(active=True, then=models.Value("RUNNING")),
            default=models.Value("UNKNOWN"),
        ),
        output_field=models.TextField(choices=RunState),
        db_persist=True,
    )
    # When the run took place: its START, else its earliest event. Orders the runs of a job.
    run_at = models.GeneratedField(
        expression=Coalesce("started_at", "first_event_at"),
        output_field=models.DateTimeField(),
        db_persist=True,
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "lineage_run"

    def __str__(self) -> str:
        return str(self.id)

    @property
    def shown_max_attempts(self) -> int | None:
        """Of how many tries this is one. None where that is not known: counting goes on where somebody cleared the
        task, and does not say how far."""
        is_beyond = self.attempt is not None and self.max_attempts is not None and self.attempt > self.max_attempts
        return None if is_beyond else self.max_attempts

    @property
    def never_ran(self) -> bool:
        """Whether that is certain, rather than that no START was received."""
        return self.told_state is not None and self.shown_state in (RunState.SKIPPED, RunState.UPSTREAM_FAILED)
