"""Details of one job, for `/jobs/{id}`: its state in words, its latest runs, its datasets and the jobs inside."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers import (
    USE,
    JobSerializer,
    LatestRunSerializer,
    LinkSerializer,
    StatisticsSerializer,
    latest_run_of,
    listed,
    reason_of,
)
from connections.querysets import Reader
from lineage.edges.uses import USES
from lineage.jobs.hierarchy import hierarchy_of
from lineage.jobs.job_datasets import MOST_SHOWN, JobDataset, datasets_of_job
from lineage.jobs.links import links_of_latest_run
from lineage.jobs.statistics import job_statistics
from lineage.jobs.story import recent_runs, story_of
from lineage.models import Job, Run, RunState

RECENT_RUNS = 20


class RecentRunSerializer(serializers.Serializer[Run]):
    """Run among the latest of a job."""

    id = serializers.UUIDField(source="run_id")
    state = serializers.ChoiceField(RunState.choices, source="shown_state")
    run_at = serializers.DateTimeField(
        help_text="When it took place: its START, else its first event; five minutes after its receipt at the latest."
    )


class TouchedSerializer(serializers.Serializer[JobDataset]):
    """A dataset that the job reads or writes."""

    id = serializers.UUIDField(source="dataset.id")
    namespace = serializers.CharField(source="dataset.namespace")
    name = serializers.CharField(source="dataset.name")
    is_current = serializers.BooleanField(
        help_text="The latest run that named any dataset named this one, or a run under its parent run; or the latest "
        "JobEvent."
    )
    use = serializers.ChoiceField(USES, allow_null=True, help_text=USE)
    last_at = serializers.DateTimeField(help_text="When an event last named it, to the hour.")


class InnerJobSerializer(serializers.Serializer[Job]):
    """A job that this one contains or starts."""

    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Job.Kind.choices)
    latest_run = serializers.SerializerMethodField()

    @extend_schema_field(LatestRunSerializer(allow_null=True))
    def get_latest_run(self, job: Job) -> dict[str, Any] | None:
        return latest_run_of(job)


class OneJobSerializer(JobSerializer):
    """A job: how it is, how its latest runs went, what it reads, writes and contains."""

    story = serializers.CharField(help_text="How it is, in words: `The latest run completed in 3 min 20 s.`")
    reason = serializers.CharField(
        allow_null=True, help_text="Why its latest run went so, in words, where other runs or the time tell it."
    )
    reason_runs = serializers.ListField(child=serializers.UUIDField(), help_text="The runs that `reason` names.")
    links = LinkSerializer(
        many=True, help_text="Ways to the sender's own pages or logs of the latest run, from its facets."
    )
    statistics = StatisticsSerializer(allow_null=True, help_text="Null before the first run.")
    recent_runs = RecentRunSerializer(many=True, help_text=f"The latest {RECENT_RUNS} at most, the latest last.")
    reads = TouchedSerializer(many=True, help_text=f"{MOST_SHOWN} at most, the current ones first.")
    writes = TouchedSerializer(many=True, help_text=f"{MOST_SHOWN} at most, the current ones first.")
    contains = InnerJobSerializer(many=True, help_text="Also of other connections: models below a DAG. 200 at most.")


def job_details(job: Job, reader: Reader, *, now: datetime) -> dict[str, Any]:
    """Read what OneJobSerializer describes."""
    statistics = job_statistics([job]).get(job.id)
    recent = recent_runs(job)
    story = story_of(job, statistics, recent, reader, now=now)
    datasets = datasets_of_job(job)
    contained = hierarchy_of(job, [run.run_id for run in recent], reader).children
    return {
        **JobSerializer(job).data,
        "story": story.text,
        **reason_of(story.reasons),
        "links": listed(LinkSerializer, links_of_latest_run(job, recent)),
        "statistics": statistics and StatisticsSerializer(statistics, context={"now": now}).data,
        "recent_runs": listed(RecentRunSerializer, recent[:RECENT_RUNS][::-1]),
        "reads": listed(TouchedSerializer, datasets.reads),
        "writes": listed(TouchedSerializer, datasets.writes),
        "contains": listed(InnerJobSerializer, [child.job for child in contained]),
    }
