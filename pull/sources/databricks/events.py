"""OpenLineage events of Databricks' runs and their tasks. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pull.documents import Author, without_none
from pull.sources.databricks.records import Job, Outcome, Run, Task

_INTEGRATION: Final = "DATABRICKS_WORKFLOWS"
_ENDS: Final = {Outcome.COMPLETE: "COMPLETE", Outcome.FAIL: "FAIL", Outcome.ABORT: "ABORT", Outcome.SKIP: "ABORT"}
# Outcome → how it is shown.
LISTED_AS: Final = {
    Outcome.RUNNING: "RUNNING",
    Outcome.COMPLETE: "COMPLETED",
    Outcome.FAIL: "FAILED",
    Outcome.ABORT: "ABORTED",
    Outcome.SKIP: "SKIPPED",
}


class _Subject(NamedTuple):
    """Run or task of which an event is, the name and kind of its job, and the facet of its parent."""

    one: Run | Task
    name: str
    kind: str
    parent: Mapping[str, Mapping[str, Any]] = {}


class Writer:
    """Writes the events of one workspace. `host`: its name."""

    def __init__(self, host: str) -> None:
        self.author = Author("databricks", f"databricks://{host}")
        self._host = host

    def run(self, run: Run, job: str) -> Iterator[bytes]:
        """Events of a run. `job`: the name of its job. Raises UnknownState."""
        yield from self._events(_Subject(run, job, "JOB"))

    def task(self, task: Task, run: Run, job: str) -> Iterator[bytes]:
        """Events of a task of a run. Raises UnknownState."""
        yield from self._events(self._of_task(task, run, job))

    def still_running(self, run: Run, job: str, at: datetime) -> Iterator[bytes]:
        """Events of a run that lasts for hours, and of its tasks that run. `at`: a full hour. Raises UnknownState."""
        yield self._write("RUNNING", at, _Subject(run, job, "JOB"))
        for task in run.tasks:
            if task.outcome == Outcome.RUNNING:
                yield self._write("RUNNING", at, self._of_task(task, run, job))

    def facets_of(self, job: Job) -> dict[str, Mapping[str, Any]]:
        """Facets that describe a job."""
        settings = job.settings
        owner = job.run_as_user_name or job.creator_user_name
        schedule = settings.schedule
        said = {"schedule": schedule.quartz_cron_expression if schedule else ""}
        return {
            "jobType": _job_type("JOB"),
            "ownership": {"owners": [{"name": owner}] if owner else []},
            "tags": {
                "tags": [
                    {"key": key, "value": str(value), "source": "DATABRICKS"}
                    for key, value in sorted(settings.tags.items())
                ]
            },
            "documentation": {"description": settings.description or ""},
            "observatory_job": said | ({"timezone": schedule.timezone_id} if schedule else {}),
        }

    def _events(self, subject: _Subject) -> Iterator[bytes]:
        one, outcome = subject.one, subject.one.outcome
        if outcome == Outcome.WAITING:
            return
        # What was not to run has no start, or one at which nothing began.
        if one.began_at is not None and outcome != Outcome.SKIP:
            yield self._write("START", one.began_at, subject)
        ended_at = one.ended_at or one.began_at
        if outcome in _ENDS and ended_at is not None:
            yield self._write(_ENDS[outcome], ended_at, subject, outcome)

    def _write(self, event_type: str, at: datetime, subject: _Subject, outcome: Outcome | None = None) -> bytes:
        one = subject.one
        own: dict[str, Any] = {"attempt": one.attempt_number + 1, "name": str(one.run_id), "url": one.run_page_url}
        if outcome == Outcome.SKIP:
            own["skipped"] = True
        facets: dict[str, Mapping[str, Any]] = {"observatory_run": without_none(own), **subject.parent}
        if outcome in (Outcome.FAIL, Outcome.ABORT) and one.message:
            facets["errorMessage"] = {"message": one.message, "programmingLanguage": "DATABRICKS"}
        job_facets = {"jobType": _job_type(subject.kind)}
        return self.author.run_event(
            event_type, at, self._id(one), subject.name, run_facets=facets, job_facets=job_facets
        )

    def _of_task(self, task: Task, run: Run, job: str) -> _Subject:
        parent = {"parent": self.author.parent(self._id(run), job)}
        return _Subject(task, f"{job}.{task.task_key}", "TASK", parent)

    def _id(self, one: Run | Task) -> str:
        return f"databricks:{self._host}:{one.run_id}"


def _job_type(kind: str) -> dict[str, str]:
    return {"integration": _INTEGRATION, "jobType": kind, "processingType": "BATCH"}
