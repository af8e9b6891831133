"""Filters of jobs, for pages and the API."""

from django_filters import FilterSet, UUIDFilter

from lineage.database import filters
from lineage.models import Job, RunState
from lineage.models.job_queryset import JobQuerySet


class JobFilter(FilterSet):
    """Filters of jobs."""

    state = filters.choice(
        RunState.choices,
        method=filters.by(JobQuerySet.in_state),
        help_text="The state of the job's latest run; `RUNNING`: any run of it is running.",
    )
    kind = filters.choice(Job.Kind.choices, help_text="What the job is.")
    namespace = filters.text("The namespace, exactly.", strip=False)
    owner = filters.text("One of the job's owners, exactly.", method=filters.by(JobQuerySet.owned_by), strip=False)
    tag = filters.text("One of the job's tags, exactly.", method=filters.by(JobQuerySet.tagged), strip=False)
    parent = UUIDFilter(field_name="parent_job_id", help_text="The id of the job that contains it.")
    search = filters.search(
        "Words that the name contains, in any case and order.", method=filters.by(JobQuerySet.named)
    )


class JobOfAnyConnectionFilter(JobFilter):
    """Filters of the jobs of all connections."""

    connection_id = UUIDFilter(help_text="Whose jobs.", error_messages={"invalid": "Not a UUID."})
