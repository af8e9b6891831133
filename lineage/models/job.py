"""Table lineage_job: jobs, which run many times."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from lineage.models.connection_scope import connection_key
from lineage.models.job_queryset import JobQuerySet
from lineage.models.run_state import RunState


class Job(models.Model):
    """DAG, task, model, test or application, identified by (connection, namespace, name)."""

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
    # event_time, to the second, of the jobType facet that gave the three columns above. Null: derived from the
    # producer.
    described_at = models.DateTimeField(null=True)
    # Values from the latest facet of each type. `…_said_at`: its event_time, to the second. Null: none was received.
    description = models.TextField(default="")
    description_said_at = models.DateTimeField(null=True)
    owners = ArrayField(models.TextField(), default=list)
    owners_said_at = models.DateTimeField(null=True)
    # "key:value", or "key" alone.
    tags = ArrayField(models.TextField(), default=list)
    tags_said_at = models.DateTimeField(null=True)
    # Schedule as the orchestrator shows it, such as a cron expression, and its time zone if known.
    schedule = models.TextField(default="")
    schedule_timezone = models.TextField(default="")
    schedule_said_at = models.DateTimeField(null=True)
    # URL with http or https.
    source_url = models.TextField(default="")
    source_said_at = models.DateTimeField(null=True)
    # Job that contains or starts this one, as events name it. The id is right only if that job is in this connection.
    parent_job_id = models.UUIDField(null=True)
    parent_job_namespace = models.TextField(default="")
    parent_job_name = models.TextField(default="")
    parent_said_at = models.DateTimeField(null=True)
    # Time of the last JobEvent that names datasets. Null: none did.
    declared_at = models.DateTimeField(null=True)
    # Latest run by run_at, then id. Null: no run yet.
    latest_run_id = models.UUIDField(null=True)
    # Its run id, as its sender gave it.
    latest_run_sent_id = models.UUIDField(null=True)
    latest_run_state = models.TextField(choices=RunState, null=True)  # noqa: DJ001
    latest_run_at = models.DateTimeField(null=True)
    latest_run_started_at = models.DateTimeField(null=True)
    latest_run_ended_at = models.DateTimeField(null=True)
    # Number of runs shown as running, 1,000 at most.
    running_runs = models.IntegerField(default=0)
    # Median duration of its latest completed runs, as it was when the latest run and its state were these. Computed
    # each minute (upkeep/usual_durations.py); null seconds: too few completed.
    usual_seconds = models.FloatField(null=True)
    usual_at_run_id = models.UUIDField(null=True)
    usual_at_state = models.TextField(null=True)  # noqa: DJ001
    # True: runs of other jobs are shown instead of all runs of this one, because its tests were sent twice.
    is_hidden = models.BooleanField(default=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "lineage_job"

    def __str__(self) -> str:
        return self.name
