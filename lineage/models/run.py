"""Table lineage_run: executions of jobs."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce

from lineage.models.clocks import believed, silent_since
from lineage.models.connection_scope import connection_key
from lineage.models.job import Job
from lineage.models.run_queryset import RunQuerySet
from lineage.models.run_state import RunState


class Run(models.Model):
    """Execution of a job.

    `id` is made of the sender's run id, the job and the map index: some senders give one run id to runs of several
    jobs, or to all instances of a mapped task.
    """

    State = RunState

    connection = connection_key()
    id = models.UUIDField(primary_key=True)
    # The sender's run id. `external_id`: if it is not a UUID, as sent (`run_id` is then derived from it); else empty.
    run_id = models.UUIDField()
    external_id = models.TextField(default="")
    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="runs")
    # Kind of the job, as the events of this run say.
    job_kind = models.TextField(default="")
    # `active`: a START or RUNNING event was received. `terminal_type`: type of the winning terminal event, or the
    # outcome derived from it (Outcome in lineage/events/event.py).
    active = models.BooleanField(default=False)
    terminal_type = models.TextField(null=True)  # noqa: DJ001
    # Time of the earliest START event, and of the winning terminal event. Null: not received.
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # True: a FAIL that no COMPLETE after it undoes.
    failure_stands = models.BooleanField(default=False)
    # False: the winning terminal event, or the parent run's report, has a time that cannot be true.
    end_is_believed = models.BooleanField(default=True)
    report_is_believed = models.BooleanField(default=True)
    # True: a FAIL was received whose time cannot be true. A believed end of another kind does not hide it.
    has_undated_failure = models.BooleanField(default=False)
    first_event_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    # Receipt of the first and the last of its events, by this server's clock. Null: an earlier version stored it.
    received_at = models.DateTimeField(null=True)
    last_received_at = models.DateTimeField(null=True)
    event_count = models.IntegerField()
    nominal_start_at = models.DateTimeField(null=True)
    nominal_end_at = models.DateTimeField(null=True)
    attempt = models.IntegerField(null=True)
    # As sent; see shown_max_attempts.
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
    # Ids of the edges that its events name, sorted.
    edge_ids = ArrayField(models.UUIDField(), default=list)
    # State and duration of a task that sent no events, according to its DAG run. Null: the run sent events itself.
    state_from_parent = models.TextField(null=True)  # noqa: DJ001
    duration_from_parent_ms = models.IntegerField(null=True)
    # Tests whose events do not say whether they failed or were skipped: the jobs that they need, whose runs decide. A
    # model may be named by an id of its table; the model's own run then has this id here, too.
    needed_job_ids = ArrayField(models.UUIDField(), null=True)
    # `node_id`: search id of a node that ended and has a run of its own. `test_ids`: search ids of the tests with a
    # result in a run of tests that may also be sent in runs of their own.
    node_id = models.UUIDField(null=True)
    test_ids = ArrayField(models.UUIDField(), null=True)
    earlier_parent_run_ids = ArrayField(models.UUIDField(), null=True)
    # Identifies what may be sent twice, under other run ids: the invocation of a command, or a DAG run.
    invocation_id = models.UUIDField(null=True)
    # The orchestrator's own name of the run, if it differs from the run id; else empty. It is not unique: DAGs with one
    # schedule share it.
    orchestrator_run_id = models.TextField(default="")
    # Shown state, computed by lineage/states from the whole family. A run is hidden until it is settled.
    shown_state = models.TextField(choices=RunState, default=RunState.UNKNOWN)
    shown_ended_at = models.DateTimeField(null=True)
    # True: another run is shown instead.
    is_hidden = models.BooleanField(default=True)
    # Time at which it becomes lost unless another event arrives. Null: it does not run, or may run for ever.
    lost_after = models.DateTimeField(null=True)
    # Families that it left because an event named others: parent run and invocation, two ids each. Null once settled.
    left_families = ArrayField(models.UUIDField(null=True), null=True)
    # A run that was sent under several names has a row for each of them, and a row that joins them, which is shown.
    # `joined_ids`: what this row joins. `joined_in`: the row that joins this one with others.
    joined_ids = ArrayField(models.UUIDField(), null=True)
    joined_in = models.UUIDField(null=True)
    # True: another run that is shown has the same run id.
    shares_run_id = models.BooleanField(default=False)
    # State according to its own events.
    state = models.GeneratedField(
        expression=models.Case(
            models.When(state_from_parent__isnull=False, then=models.F("state_from_parent")),
            models.When(has_undated_failure=True, end_is_believed=True, then=models.Value("FAILED")),
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
    # Time of its START event, else of its earliest event, as far as it is believed. Sorts runs.
    run_at = models.GeneratedField(
        expression=believed(Coalesce("started_at", "first_event_at"), "received_at"),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    # Time of its last event, as far as it is believed. A run that is silent for too long since then is lost.
    silent_since = models.GeneratedField(
        expression=silent_since("last_event_at", "last_received_at"),
        output_field=models.DateTimeField(),
        db_persist=True,
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "lineage_run"

    def __str__(self) -> str:
        return str(self.id)

    @property
    def event_subject_ids(self) -> list[UUID]:
        """Values of `subject_id` of its events."""
        return self.joined_ids or [self.id]

    @property
    def shown_max_attempts(self) -> int | None:
        """Number of tries that the task may have. None if unknown: after somebody cleared a task, the count goes on
        beyond it."""
        is_beyond = self.attempt is not None and self.max_attempts is not None and self.attempt > self.max_attempts
        return None if is_beyond else self.max_attempts

    @property
    def never_ran(self) -> bool:
        """Tell whether the run certainly never ran. False if only its START event is missing."""
        return self.state_from_parent is not None and self.shown_state in (RunState.SKIPPED, RunState.UPSTREAM_FAILED)
