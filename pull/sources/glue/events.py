"""OpenLineage events of job runs and workflow runs. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from pull.documents import Author, without_none
from pull.sources.aws.jobs import error_facet
from pull.sources.aws.regions import console_of
from pull.sources.glue.records import JOB_ENDS, RUNNING, WAITING, WORKFLOW_ENDS, JobRun, Trigger, WorkflowRun

_SYSTEM: Final = "glue"
# State → how it is shown.
LISTED_AS: Final = {
    **{state: {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}[end] for state, end in JOB_ENDS.items()},
    **dict.fromkeys(RUNNING, "RUNNING"),
}


class UnknownState(Exception):
    """AWS has a state that this version of the product does not know. Its text is the state."""


class Writer:
    """Writes the events of one region of one account. `namespace`: `arn:aws:glue:eu-west-1:123456789012`."""

    def __init__(self, namespace: str, region: str) -> None:
        self.author = Author(_SYSTEM, namespace)
        self._region = region

    def job_run(self, run: JobRun, parent: WorkflowRun | None) -> Iterator[bytes]:
        """Events of a job run: its start, and its end if it has ended. None if it waits. Raises UnknownState."""
        if run.job_run_state in WAITING:
            return
        if run.job_run_state not in RUNNING and run.job_run_state not in JOB_ENDS:
            raise UnknownState(run.job_run_state)
        if run.started_on is not None:
            yield self._of_job("START", run.started_on, run, parent)
        if run.has_ended and run.ended_at is not None:
            yield self._of_job(JOB_ENDS[run.job_run_state], run.ended_at, run, parent)

    def workflow_run(self, run: WorkflowRun) -> Iterator[bytes]:
        """Events of a workflow run: its start, and its end if it has ended. Raises UnknownState."""
        if run.status not in RUNNING and run.status not in WORKFLOW_ENDS:
            raise UnknownState(run.status)
        if run.started_on is not None:
            yield self._of_workflow("START", run.started_on, run)
        if run.has_ended and run.completed_on is not None:
            yield self._of_workflow(WORKFLOW_ENDS[run.status], run.completed_on, run)

    def job_still_running(self, run: JobRun, parent: WorkflowRun | None, at: datetime) -> bytes:
        """Event of a job that runs for long. `at`: a full hour."""
        return self._of_job("RUNNING", at, run, parent)

    def workflow_still_running(self, run: WorkflowRun, at: datetime) -> bytes:
        return self._of_workflow("RUNNING", at, run)

    def _of_job(self, event_type: str, at: datetime, run: JobRun, parent: WorkflowRun | None) -> bytes:
        page = f"job/{quote(run.job_name, safe='')}/run/{run.id}"
        own = {"attempt": run.attempt + 1, "name": run.id, "url": self._page(page)}
        facets: dict[str, Mapping[str, Any]] = {"observatory_run": without_none(own)}
        if parent is not None:
            facets["parent"] = self.author.parent(parent.workflow_run_id, workflow_job(parent.name))
        if event_type == "FAIL":
            facets |= error_facet(run.error_message or run.job_run_state, None)
        return self.author.run_event(
            event_type, at, run.id, run.job_name, run_facets=facets, job_facets={"jobType": job_type("JOB")}
        )

    def _of_workflow(self, event_type: str, at: datetime, run: WorkflowRun) -> bytes:
        own = {"name": run.workflow_run_id, "url": self._page(f"workflow/{quote(run.name, safe='')}")}
        facets: dict[str, Mapping[str, Any]] = {"observatory_run": without_none(own)}
        if event_type == "FAIL":
            facets |= error_facet(run.error_message or run.status, None)
        return self.author.run_event(
            event_type,
            at,
            run.workflow_run_id,
            workflow_job(run.name),
            run_facets=facets,
            job_facets={"jobType": job_type("WORKFLOW")},
        )

    def _page(self, path: str) -> str | None:
        console = console_of(self._region)
        return console and f"{console}/gluestudio/home?region={self._region}#/{path}"


def workflow_job(name: str) -> str:
    """Name the job of a workflow. A Glue job may have the name of a workflow."""
    return f"workflow/{name}"


def job_type(kind: str) -> dict[str, str]:
    return {"integration": "GLUE", "jobType": kind, "processingType": "BATCH"}


def schedules_of(triggers: Iterable[Trigger]) -> dict[str, str]:
    """Find the schedules of jobs and workflows, by the names of their jobs. Triggers that are off do not count."""
    found: dict[str, set[str]] = {}
    for trigger in triggers:
        if trigger.type != "SCHEDULED" or trigger.state not in ("ACTIVATED", "ACTIVATING"):
            continue
        jobs = [action.job_name for action in trigger.actions if action.job_name]
        for name in [workflow_job(trigger.workflow_name)] if trigger.workflow_name else jobs:
            found.setdefault(name, set()).add(trigger.schedule)
    return {name: ", ".join(sorted(schedules)) for name, schedules in found.items()}
