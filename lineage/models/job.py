"""lineage_job: what runs again and again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from lineage.models.job_queryset import JobQuerySet
from lineage.models.of_connection import connection_key
from lineage.models.run_state import RunState


class Job(models.Model):
    """(connection, namespace, name): a DAG, a task, a model, a test, an application."""

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

    connection = connection_key()
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
    # Those that are shown as running; counted up to 1,000.
    running_runs = models.IntegerField(default=0)
    # Whether runs of other jobs are shown in the place of all of its own: of tests that were sent twice.
    is_hidden = models.BooleanField(default=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "lineage_job"

    def __str__(self) -> str:
        return self.name
