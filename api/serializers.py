"""The API's resources. What is not known is null: nothing here makes up a value."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connections.kinds import KINDS
from connections.models import Connection
from lineage.events.clocks import known_duration
from lineage.events.links import Link
from lineage.events.senders import WORDS_WITH_RUN_IDS
from lineage.jobs.statistics import RECENT_RUNS, JobStatistics
from lineage.models import Job, Run, RunState
from lineage.overview.health import MOST_A_DAY, Day
from lineage.overview.summaries import ConnectionStatus, ConnectionSummary
from lineage.runs.reasons import Sentence
from pull.models import SyncRun
from pull.reading import Fetching
from pull.systems import System


def listed(serializer: type[serializers.Serializer[Any]], rows: Sequence[Any]) -> Any:
    """Each of the rows as that serializer describes it."""
    return serializer(rows, many=True).data


def reason_of(sentences: Sequence[Sentence]) -> dict[str, Any]:
    """`reason`, in words, None where there is nothing to tell, and `reason_runs`, the ids of the runs that it names."""
    return {
        "reason": " ".join(sentence.text for sentence in sentences) or None,
        "reason_runs": [cause.run.run_id for sentence in sentences for cause in sentence.causes],
    }


def duration_ms(started_at: datetime | None, ended_at: datetime | None) -> int | None:
    """Whole milliseconds; None if either end is unknown, or if the sender's clock cannot be right."""
    return _milliseconds(known_duration(started_at, ended_at))


USE = (
    "As in `/lineage`: `current`, `declared` and `implied` are current, `varying` was named in the seven days before "
    "the latest run. Null: it is past."
)


class DaySerializer(serializers.Serializer[Day]):
    """Day of a connection, in UTC."""

    date = serializers.DateField()
    runs = serializers.IntegerField(help_text=f"Runs that took place; {MOST_A_DAY:,} at most are counted, the latest.")
    failed = serializers.IntegerField(help_text="Those of them that failed.")


class SyncSerializer(serializers.Serializer[SyncRun]):
    """Turn of fetching that has ended."""

    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    outcome = serializers.ChoiceField([one for one in SyncRun.Outcome.choices if one[0] != SyncRun.Outcome.RUNNING])
    reason = serializers.SerializerMethodField(help_text="Why it failed, in words; null where it did not.")
    code = serializers.SerializerMethodField(help_text="Why, as a code; null where it did not fail.")
    events = serializers.IntegerField(help_text="Events made of what was fetched.")
    new_events = serializers.IntegerField(help_text="Those of them that were not stored before.")

    def get_reason(self, sync: SyncRun) -> str | None:
        return sync.reason or None

    def get_code(self, sync: SyncRun) -> str | None:
        return sync.code or None


class SourceSerializer(serializers.Serializer[Fetching]):
    """System from which the runs of a connection are fetched."""

    system = serializers.ChoiceField(System.choices, source="source.system")
    host = serializers.CharField(
        help_text="Of its address, with the port if that names one; the path if it is a directory."
    )
    interval_minutes = serializers.IntegerField(source="source.every_minutes", help_text="Between two syncs.")
    paused_at = serializers.DateTimeField(
        source="source.paused_at", allow_null=True, help_text="Null: it is fetched from."
    )
    next_sync_at = serializers.DateTimeField(
        source="source.next_at", help_text="Not before; counts while it is not paused."
    )
    last_sync = SyncSerializer(source="last", allow_null=True, help_text="The newest that ended; null before.")


class ConnectionSerializer(serializers.Serializer[ConnectionSummary]):
    """Orchestrator that sends events or is fetched from."""

    id = serializers.UUIDField(source="connection.id")
    name = serializers.CharField(source="connection.name")
    type = serializers.ChoiceField(Connection.Type.choices, source="connection.type")
    status = serializers.ChoiceField(ConnectionStatus.choices)
    reason = serializers.SerializerMethodField(help_text="What is missing or wrong, in words; null when all is well.")
    reason_at = serializers.DateTimeField(
        allow_null=True, help_text="When that happened, where it happened at a moment: a request was refused."
    )
    total_jobs = serializers.IntegerField()
    running_jobs = serializers.IntegerField(help_text="Jobs with at least one running run.")
    failing_jobs = serializers.IntegerField(help_text="Jobs whose latest run failed.")
    lost_jobs = serializers.IntegerField(help_text="Jobs whose latest run was lost.")
    first_event_at = serializers.DateTimeField(
        allow_null=True, help_text="When the first event was received, by this server's clock."
    )
    first_job_name = serializers.SerializerMethodField(help_text="Of the job that it was about.")
    last_event_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last event was received, by this server's clock."
    )
    created_at = serializers.DateTimeField(source="connection.created_at")
    days = DaySerializer(many=True, source="health.days", help_text="The last 14 days, today last.")
    source = SourceSerializer(  # type: ignore[assignment]  # the name of a field, which the framework takes out
        source="fetching", allow_null=True, help_text="Where Observatory fetches its runs; null: it only sends."
    )

    def get_reason(self, summary: ConnectionSummary) -> str | None:
        return summary.reason or None

    def get_first_job_name(self, summary: ConnectionSummary) -> str | None:
        return summary.first_job_name or None


class LatestRunSerializer(serializers.Serializer[dict[str, Any]]):
    """A job's latest run, in short."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(RunState.choices)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)


class JobParentSerializer(serializers.Serializer[Any]):
    """The job that contains or starts another, as events name it."""

    id = serializers.UUIDField(
        source="parent_job_id", help_text="The id that it has if it belongs to the same connection; it may not."
    )
    namespace = serializers.CharField(source="parent_job_namespace")
    name = serializers.CharField(source="parent_job_name")


class LinkSerializer(serializers.Serializer[Link]):
    """A page of a run's orchestrator or engine."""

    title = serializers.CharField(help_text="Such as `Task log`.")
    url = serializers.CharField(help_text="As sent: http or https.")


class JobSerializer(serializers.Serializer[Job]):
    """A DAG, a task, a model, a test, an application: (connection, namespace, name)."""

    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Job.Kind.choices)
    integration = serializers.SerializerMethodField(
        help_text=f"The source system, such as {' or '.join(kind.integration for kind in KINDS if kind.integration)}."
    )
    processing_type = serializers.SerializerMethodField(help_text="BATCH, STREAMING or SERVICE, where it was said.")
    description = serializers.SerializerMethodField()
    owners = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField(), help_text="`key:value`, or the key alone.")
    schedule = serializers.SerializerMethodField(help_text="As the orchestrator shows it, such as a cron expression.")
    schedule_timezone = serializers.SerializerMethodField()
    source_url = serializers.SerializerMethodField(help_text="Where the source code is.")
    parent = serializers.SerializerMethodField(  # type: ignore[assignment]  # hides no attribute that is read
        help_text="The job that contains or starts this one."
    )
    latest_run = serializers.SerializerMethodField(help_text="By when runs took place; null before the first run.")
    running_runs = serializers.IntegerField(help_text="Those that were lost are not among them.")

    def get_integration(self, job: Job) -> str | None:
        return job.integration or None

    def get_processing_type(self, job: Job) -> str | None:
        return job.processing_type or None

    def get_description(self, job: Job) -> str | None:
        return job.description or None

    def get_schedule(self, job: Job) -> str | None:
        return job.schedule or None

    def get_schedule_timezone(self, job: Job) -> str | None:
        return job.schedule_timezone or None

    def get_source_url(self, job: Job) -> str | None:
        return job.source_url or None

    @extend_schema_field(JobParentSerializer(allow_null=True))
    def get_parent(self, job: Job) -> dict[str, Any] | None:
        return None if job.parent_job_id is None else JobParentSerializer(job).data

    @extend_schema_field(LatestRunSerializer(allow_null=True))
    def get_latest_run(self, job: Job) -> dict[str, Any] | None:
        return latest_run_of(job)


def latest_run_of(job: Job) -> dict[str, Any] | None:
    """Give what LatestRunSerializer describes. None before the first run."""
    if job.latest_run_id is None:
        return None
    latest_run = {
        "id": job.latest_run_sent_id,
        "state": job.latest_run_state,
        "started_at": job.latest_run_started_at,
        "ended_at": job.latest_run_ended_at,
        "duration_ms": duration_ms(job.latest_run_started_at, job.latest_run_ended_at),
    }
    return LatestRunSerializer(latest_run).data


class StatisticsSerializer(serializers.Serializer[JobStatistics]):
    """Figures of the latest runs of a job."""

    runs = serializers.IntegerField(help_text=f"How many runs these figures are of: the latest {RECENT_RUNS}.")
    ended = serializers.IntegerField(help_text="Those that completed, failed or were aborted.")
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    retried = serializers.IntegerField(help_text="Tries that failed, or were killed, and were followed by another.")
    success_rate = serializers.FloatField(
        allow_null=True, help_text="Completed ones among those that ended, 0 to 1; null before the first has ended."
    )
    median_duration_ms = serializers.SerializerMethodField(help_text="Of completed runs; null where none is known.")
    p95_duration_ms = serializers.SerializerMethodField(help_text="Of completed runs; null where none is known.")
    runs_per_day = serializers.SerializerMethodField(
        help_text="From the oldest of these runs until now; all tries of one count as one."
    )

    def get_median_duration_ms(self, statistics: JobStatistics) -> int | None:
        return _milliseconds(statistics.median)

    def get_p95_duration_ms(self, statistics: JobStatistics) -> int | None:
        return _milliseconds(statistics.p95)

    def get_runs_per_day(self, statistics: JobStatistics) -> float:
        return statistics.runs_per_day(now=self.context["now"])


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(milliseconds=1)


class JobNameSerializer(serializers.Serializer[dict[str, Any]]):
    """A job as the sender names it."""

    namespace = serializers.CharField()
    name = serializers.CharField()


class JobReferenceSerializer(serializers.Serializer[Any]):
    """The job that a run is an execution of."""

    id = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Job.Kind.choices)


class RunReferenceSerializer(serializers.Serializer[dict[str, Any]]):
    """Another run, as an event named it. It may belong to another connection, or never have been received."""

    run_id = serializers.UUIDField()
    job = JobNameSerializer(allow_null=True)


class RunSerializer(serializers.Serializer[Run]):
    """Execution of a job."""

    id = serializers.UUIDField(
        source="run_id",
        help_text="The sender's runId. Two connections, or two jobs of one, may hold runs with the same one.",
    )
    connection_id = serializers.UUIDField()
    job = JobReferenceSerializer()
    state = serializers.ChoiceField(RunState.choices, source="shown_state")
    started_at = serializers.DateTimeField(allow_null=True, help_text="Null: no START event was received.")
    ended_at = serializers.DateTimeField(
        source="shown_ended_at", allow_null=True, help_text="Null: no terminal event was received, or told of."
    )
    duration_ms = serializers.SerializerMethodField(
        help_text="Null while the run goes on, where either end is not known, and where the sender's clock cannot be "
        "right: below zero, or above ten years."
    )
    nominal_start_at = serializers.DateTimeField(allow_null=True)
    nominal_end_at = serializers.DateTimeField(allow_null=True)
    # These two names hide attributes that the framework's fields have, not ones that it reads from a class.
    parent = serializers.SerializerMethodField(help_text="The run that started this one.")  # type: ignore[assignment]
    root = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="The run at the top of the chain of parents."
    )
    attempt = serializers.IntegerField(allow_null=True, help_text="Which try this is, from 1.")
    max_attempts = serializers.IntegerField(
        source="shown_max_attempts", allow_null=True, help_text="Null as well of a try that came after them all."
    )
    map_index = serializers.IntegerField(allow_null=True, help_text="Of a mapped task's instance.")
    external_id = serializers.SerializerMethodField(
        help_text="What the sender wrote as runId, where that is no UUID; `id` is then made from it."
    )
    orchestrator_run_id = serializers.SerializerMethodField(
        help_text=f"What the orchestrator itself calls it: {', '.join(words.run_id for words in WORDS_WITH_RUN_IDS)}. "
        "Null of their tasks and nodes, whose parent has it."
    )
    external_query_id = serializers.SerializerMethodField(help_text="What the database calls the run's query.")
    error_message = serializers.CharField(allow_null=True, help_text="Its beginning, where it is long.")
    event_count = serializers.IntegerField()
    first_event_at = serializers.DateTimeField(help_text="By the sender's clock.")
    last_event_at = serializers.DateTimeField(help_text="By the sender's clock.")
    received_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When its first event was received, by this server's clock. A run is sorted and filtered by its own "
        "time, or by the fifth minute after this, whichever is earlier. Null: an earlier version stored the run.",
    )

    def get_duration_ms(self, run: Run) -> int | None:
        return duration_ms(run.started_at, run.shown_ended_at)

    def get_external_id(self, run: Run) -> str | None:
        return run.external_id or None

    def get_orchestrator_run_id(self, run: Run) -> str | None:
        return run.orchestrator_run_id or None

    def get_external_query_id(self, run: Run) -> str | None:
        return run.external_query_id or None

    @extend_schema_field(RunReferenceSerializer(allow_null=True))
    def get_parent(self, run: Run) -> dict[str, Any] | None:
        return _run_reference(run.parent_run_id, run.parent_job_namespace, run.parent_job_name)

    @extend_schema_field(RunReferenceSerializer(allow_null=True))
    def get_root(self, run: Run) -> dict[str, Any] | None:
        return _run_reference(run.root_run_id, run.root_job_namespace, run.root_job_name)


def _run_reference(run_id: Any, namespace: str, name: str) -> dict[str, Any] | None:
    if run_id is None:
        return None
    return {"run_id": str(run_id), "job": {"namespace": namespace, "name": name} if name else None}


class EventSerializer(serializers.Serializer[Any]):
    """An OpenLineage document, as received."""

    event_time = serializers.DateTimeField(help_text="The sender's clock.")
    received_at = serializers.DateTimeField(help_text="This server's clock.")
    event_type = serializers.CharField(allow_null=True)
    event = serializers.DictField(help_text="The document, character for character.")


class DatasetSerializer(serializers.Serializer[dict[str, Any]]):
    """A table, file or topic, once however many connections touch it."""

    id = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    described = serializers.BooleanField(
        source="is_described", help_text="False: events only referred to it, none said anything about it."
    )
    connections = serializers.ListField(child=serializers.UUIDField(), source="connection_ids")


class NamedDatasetSerializer(serializers.Serializer[Any]):
    """Dataset by its names."""

    id = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()
