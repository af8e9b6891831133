"""Calls to Glue. List and Get suffice.

`GetJobRuns` has no filter of time, and lists the newest first; `GetWorkflowRuns` promises no order.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from pull.sources.aws.caller import AwsCaller, converted, if_allowed, if_there
from pull.sources.aws.regions import partition_of
from pull.sources.glue.records import Job, JobRun, Trigger, WorkflowRun

_SERVICE: Final = "glue"
_TOKEN: Final = "NextToken"  # noqa: S105 - a field's name
# The most job runs that AWS gives in a page.
PAGE: Final = 200
_PAGE_OF_JOBS: Final = 100


class _Jobs(Struct, rename="pascal"):
    jobs: list[Job]


class _Triggers(Struct, rename="pascal"):
    triggers: list[Trigger] = field(default_factory=list)


class _JobRuns(Struct, rename="pascal"):
    job_runs: list[JobRun] = field(default_factory=list)


class _WorkflowRuns(Struct, rename="pascal"):
    runs: list[WorkflowRun] = field(default_factory=list)


class GlueApi:
    def __init__(self, caller: AwsCaller) -> None:
        self._caller = caller

    @property
    def region(self) -> str:
        return self._caller.region

    def caller_arn(self) -> str:
        """The user or role whose keys these are."""
        return self._caller.identity().arn

    def arn(self, rest: str = "") -> str:
        """The ARN of this account and region, or of something in it, such as `job/daily`."""
        start = f"arn:{partition_of(self.region)}:glue:{self.region}:{self._caller.identity().account}"
        return f"{start}:{rest}" if rest else start

    def job_names(self) -> Iterator[str]:
        for page in self._pages("list_jobs", MaxResults=_PAGE_OF_JOBS):
            yield from page["JobNames"]

    def jobs(self) -> Iterator[list[Job]]:
        for page in self._pages("get_jobs", MaxResults=_PAGE_OF_JOBS):
            yield converted(page, _Jobs, "glue:GetJobs").jobs

    def triggers(self) -> list[Trigger] | None:
        """All triggers. None: the policy does not allow to read them."""
        pages = if_allowed(lambda: list(self._pages("get_triggers", MaxResults=_PAGE_OF_JOBS)))
        if pages is None:
            return None
        return [one for page in pages for one in converted(page, _Triggers, "glue:GetTriggers").triggers]

    def job_runs(self, job_name: str, page_size: int = PAGE) -> Iterator[list[JobRun]]:
        """The runs of a job, the newest first."""
        for page in self._pages("get_job_runs", JobName=job_name, MaxResults=page_size):
            yield converted(page, _JobRuns, "glue:GetJobRuns").job_runs

    def job_run(self, job_name: str, run_id: str) -> JobRun | None:
        """A run of a job. None: it is not there any more."""
        answer = if_there(lambda: self._call("get_job_run", JobName=job_name, RunId=run_id))
        return None if answer is None else converted(answer["JobRun"], JobRun, "glue:GetJobRun")

    def workflow_names(self) -> Iterator[str]:
        for page in self._pages("list_workflows", MaxResults=25):
            yield from page["Workflows"]

    def workflow_runs(self, name: str) -> Iterator[list[WorkflowRun]]:
        """The runs of a workflow, without their graphs."""
        for page in self._pages("get_workflow_runs", Name=name, IncludeGraph=False, MaxResults=_PAGE_OF_JOBS):
            yield converted(page, _WorkflowRuns, "glue:GetWorkflowRuns").runs

    def workflow_run(self, name: str, run_id: str) -> WorkflowRun | None:
        """A run of a workflow, with its graph. None: it is not there any more."""
        answer = if_there(lambda: self._call("get_workflow_run", Name=name, RunId=run_id, IncludeGraph=True))
        return None if answer is None else converted(answer["Run"], WorkflowRun, "glue:GetWorkflowRun")

    def workflow_description(self, name: str) -> str | None:
        answer = if_allowed(lambda: self._call("get_workflow", Name=name))
        return None if answer is None else str(answer["Workflow"].get("Description", ""))

    def tags(self, resource: str) -> Mapping[str, str] | None:
        """The tags of something, such as `job/daily`. None: they are not known."""
        answer = if_allowed(lambda: self._call("get_tags", ResourceArn=self.arn(resource)))
        return None if answer is None else answer.get("Tags", {})

    def _call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return self._caller.call(_SERVICE, operation, **parameters)

    def _pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        return self._caller.pages(_SERVICE, operation, _TOKEN, **parameters)
