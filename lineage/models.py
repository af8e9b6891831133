"""What was sent, as rows. Written by digest alone, read through querysets.

The tables' SQL is in lineage/migrations/0001_tables.py: every primary key begins with `connection_id`, so that
a connection is one range of each table. Django sees `id` alone as the key, which is unique for jobs and edges
(their ids hash the connection too), but not for runs, datasets and events: look those up with the connection.
"""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce

from connections.models import Connection
from lineage.bodies import BodyField
from lineage.querysets import DatasetQuerySet, EdgeQuerySet, EventQuerySet, JobQuerySet, RunQuerySet


def _connection() -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        Connection, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class RunState(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    ABORTED = "ABORTED", "Aborted"
    SKIPPED = "SKIPPED", "Skipped"
    UPSTREAM_FAILED = "UPSTREAM_FAILED", "Upstream failed"
    # These two follow from other runs, and from the time, when a run is shown: see lineage/states.py, shown_states.py.
    RETRIED = "RETRIED", "Retried"
    LOST = "LOST", "Lost"
    # Only events of type OTHER, or of none, were received.
    UNKNOWN = "UNKNOWN", "Unknown"


class Event(models.Model):
    """One OpenLineage document, stored as received. Partitioned by `event_time`; the truth behind all other tables."""

    class Kind(models.TextChoices):
        RUN = "RUN", "RunEvent"
        JOB = "JOB", "JobEvent"
        DATASET = "DATASET", "DatasetEvent"

    connection = _connection()
    event_time = models.DateTimeField()
    # Hash of the body: a retried event has the same time and the same id, so it is stored once.
    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    kind = models.TextField(choices=Kind)
    event_type = models.TextField(null=True)  # noqa: DJ001 - absent is not empty
    # The run, job or dataset that the event is about, by its kind.
    subject_id = models.UUIDField()
    # Of the body, as received.
    body_bytes = models.IntegerField()
    body = BodyField()

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "lineage_event"
        ordering = ["event_time", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.event_type or ''} {self.event_time.isoformat()}"


class Job(models.Model):
    """(connection, namespace, name): a DAG, a task, a dbt model, a test, an application."""

    class Kind(models.TextChoices):
        DAG = "DAG", "DAG"
        TASK = "TASK", "Task"
        MODEL = "MODEL", "Model"
        TEST = "TEST", "Test"
        SNAPSHOT = "SNAPSHOT", "Snapshot"
        SEED = "SEED", "Seed"
        SQL = "SQL", "SQL"
        APPLICATION = "APPLICATION", "Application"
        JOB = "JOB", "Job"

    connection = _connection()
    id = models.UUIDField(primary_key=True)
    namespace = models.TextField()
    name = models.TextField()
    kind = models.TextField(choices=Kind, default=Kind.JOB)
    integration = models.TextField(default="")
    # BATCH, STREAMING, SERVICE or empty
    processing_type = models.TextField(default="")
    # event_time of the jobType facet that the three above come from, to the second. Null: derived from the producer.
    described_at = models.DateTimeField(null=True)
    # What the latest facet of each sort says, and its event_time, to the second. Null: none was received.
    description = models.TextField(default="")
    description_said_at = models.DateTimeField(null=True)
    owners = ArrayField(models.TextField(), default=list)
    owners_said_at = models.DateTimeField(null=True)
    # "key:value", or "key" alone.
    tags = ArrayField(models.TextField(), default=list)
    tags_said_at = models.DateTimeField(null=True)
    # As the orchestrator shows it, such as a cron expression, with the time zone where one was said.
    schedule = models.TextField(default="")
    schedule_timezone = models.TextField(default="")
    schedule_said_at = models.DateTimeField(null=True)
    # http or https.
    source_url = models.TextField(default="")
    source_said_at = models.DateTimeField(null=True)
    # The job that contains or starts this one, as events name it. It may belong to another connection; the id is the
    # one that it has if it belongs to this one.
    parent_job_id = models.UUIDField(null=True)
    parent_job_namespace = models.TextField(default="")
    parent_job_name = models.TextField(default="")
    parent_said_at = models.DateTimeField(null=True)
    # The latest run, by when it took place (run_at, then id). Null: no run yet.
    latest_run_id = models.UUIDField(null=True)
    latest_run_state = models.TextField(choices=RunState, null=True)  # noqa: DJ001
    latest_run_at = models.DateTimeField(null=True)
    latest_run_started_at = models.DateTimeField(null=True)
    latest_run_ended_at = models.DateTimeField(null=True)
    # Counted up to 1,000.
    running_runs = models.IntegerField(default=0)
    # What the latest run is shown as, and how many runs are shown as running, of jobs that `with_states` gave: what was
    # lost still counts above.
    shown_state: str | None
    shown_running_runs: int

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "lineage_job"

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One execution of a job. `id` is the sender's runId, scoped by connection."""

    State = RunState

    connection = _connection()
    id = models.UUIDField(primary_key=True)
    # What the sender wrote, where that was no UUID (`id` is then derived from it); else empty.
    external_id = models.TextField(default="")
    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="runs")
    # The job that the run was filed under before an earlier event named another; None almost always.
    previous_job_id = models.UUIDField(null=True)
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
    # Of a node of dbt's that was sent by itself, as structured mode does, and ended: what its name is looked for by.
    # Of tests as default mode sends them, all of a node as one run or one without a result: the same of those that have
    # one.
    node_id = models.UUIDField(null=True)
    test_ids = ArrayField(models.UUIDField(), null=True)
    earlier_parent_run_ids = ArrayField(models.UUIDField(), null=True)
    # Of the command that it was part of, where such a one may be sent twice, under other run ids (dbt's).
    invocation_id = models.UUIDField(null=True)
    # What the orchestrator itself calls it, of an Airflow DAG run and of a dbt command; else empty. Other runs may be
    # called the same: those of all DAGs with one schedule.
    orchestrator_run_id = models.TextField(default="")
    # What it is shown as, of runs that `with_states` or `shown` gave.
    shown_state: str
    # When it ended, of the same runs.
    shown_ended_at: datetime | None
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
        """Of how many tries this is one. None where that is not known: Airflow goes on counting where somebody cleared
        the task, and does not say how far."""
        is_beyond = self.attempt is not None and self.max_attempts is not None and self.attempt > self.max_attempts
        return None if is_beyond else self.max_attempts

    @property
    def never_ran(self) -> bool:
        """Whether that is certain, rather than that no START was received. Of runs that have their `shown_state`."""
        return self.told_state is not None and self.shown_state in (RunState.SKIPPED, RunState.UPSTREAM_FAILED)


class Dataset(models.Model):
    """(namespace, name): a table, file or topic. The id is the same in every connection that touches it."""

    connection = _connection()
    id = models.UUIDField(primary_key=True)
    namespace = models.TextField()
    name = models.TextField()
    # False: it was only referred to; no event gave it a facet.
    described = models.BooleanField(default=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        db_table = "lineage_dataset"

    def __str__(self) -> str:
        return self.name


class Edge(models.Model):
    """Job reads dataset, or job writes dataset."""

    class Direction(models.TextChoices):
        READS = "READS", "Reads"
        WRITES = "WRITES", "Writes"

    connection = _connection()
    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="edges")
    dataset_id = models.UUIDField()
    direction = models.TextField(choices=Direction)
    # Of the events that name it, by event_time, to the hour: so an edge is written once an hour, however often it is
    # named. The edges of one run are in Run.edge_ids.
    first_event_hour = models.DateTimeField()
    last_event_hour = models.DateTimeField()

    objects = EdgeQuerySet.as_manager()

    class Meta:
        db_table = "lineage_edge"

    def __str__(self) -> str:
        return f"{self.job_id} {self.direction.lower()} {self.dataset_id}"


class Activity(models.Model):
    """When a connection was first and last heard from, by our clock. No row: never."""

    connection = models.OneToOneField(
        Connection,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="activity",
    )
    first_event_at = models.DateTimeField()
    # Written at most once a second, so it may be that much behind.
    last_event_at = models.DateTimeField()
    first_job_name = models.TextField(default="")

    class Meta:
        db_table = "lineage_activity"
        verbose_name_plural = "activity"

    def __str__(self) -> str:
        return str(self.last_event_at)
