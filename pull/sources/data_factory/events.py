"""OpenLineage events of Data Factory's pipeline runs and activity runs. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pull.documents import Author, without_none
from pull.sources.data_factory.records import (
    ActivityRun,
    Outcome,
    Pipeline,
    PipelineRun,
    Trigger,
    UnknownState,
    outcome_of,
)

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
    """Run of a pipeline or an activity. `ended_at`: of one that has ended; where Data Factory says none, the last
    change of the pipeline run."""

    run_id: str
    name: str
    kind: str
    outcome: Outcome
    began_at: datetime | None
    ended_at: datetime | None
    message: str | None
    attempt: int | None = None
    parent: Mapping[str, Mapping[str, Any]] = {}


class Writer:
    """Writes the events of one factory. `namespace`: `adf://SUBSCRIPTION/RESOURCE_GROUP/FACTORY`."""

    def __init__(self, namespace: str) -> None:
        self.author = Author("data_factory", namespace)

    def pipeline_run(self, run: PipelineRun) -> Iterator[bytes]:
        """Events of a pipeline run. Raises UnknownState."""
        return self._events(self._of_pipeline(run))

    def activity_run(self, activity: ActivityRun, run: PipelineRun) -> Iterator[bytes]:
        """Events of an activity run. Raises UnknownState."""
        return self._events(self._of_activity(activity, run))

    def still_running(self, run: PipelineRun, at: datetime) -> bytes:
        """Event of a pipeline run that lasts for hours. `at`: a full hour. Raises UnknownState."""
        return self._write("RUNNING", at, self._of_pipeline(run))

    def activity_still_running(self, activity: ActivityRun, run: PipelineRun, at: datetime) -> bytes:
        """Event of an activity run that lasts for hours. `at`: a full hour. Raises UnknownState."""
        return self._write("RUNNING", at, self._of_activity(activity, run))

    def facets_of(self, pipeline: Pipeline, triggers: Iterable[Trigger]) -> dict[str, Mapping[str, Any]]:
        """Facets that describe a pipeline."""
        started = [one for one in triggers if one.properties.runtime_state == "Started"]
        schedules = [one.schedule for one in started if pipeline.name in one.pipeline_names and one.schedule[0]]
        said = {"schedule": ", ".join(sorted(schedule for schedule, _ in schedules))}
        return {
            "jobType": _job_type("PIPELINE"),
            "documentation": {"description": pipeline.properties.description or ""},
            "tags": {
                "tags": [
                    {"key": note, "value": "true", "source": "AZURE_DATA_FACTORY"}
                    for note in pipeline.properties.annotations
                    if isinstance(note, str)
                ]
            },
            "observatory_job": said | ({"timezone": schedules[0][1]} if len(schedules) == 1 else {}),
        }

    def _of_pipeline(self, run: PipelineRun) -> _Subject:
        began, ended = run.run_start, run.run_end or run.last_updated
        outcome = outcome_of(run.status)
        return _Subject(run.run_id, run.pipeline_name, "PIPELINE", outcome, began, ended, run.message)

    def _of_activity(self, activity: ActivityRun, run: PipelineRun) -> _Subject:
        error = activity.error
        outcome = outcome_of(activity.status)
        return _Subject(
            activity.activity_run_id,
            f"{run.pipeline_name}.{activity.activity_name}",
            "ACTIVITY",
            outcome,
            activity.activity_run_start,
            activity.ended_at or (activity.activity_run_start if outcome == Outcome.SKIP else _end_of(run)),
            (error.message or error.error_code) if error else None,
            None if activity.retry_attempt is None else activity.retry_attempt + 1,
            {"parent": self.author.parent(run.run_id, run.pipeline_name)},
        )

    def _events(self, subject: _Subject) -> Iterator[bytes]:
        if subject.outcome == Outcome.WAITING:
            return
        if subject.began_at is not None and subject.outcome != Outcome.SKIP:
            yield self._write("START", subject.began_at, subject)
        if subject.outcome in _ENDS and subject.ended_at is not None:
            yield self._write(_ENDS[subject.outcome], subject.ended_at, subject)

    def _write(self, event_type: str, at: datetime, subject: _Subject) -> bytes:
        own: dict[str, Any] = {"attempt": subject.attempt, "name": subject.run_id}
        if event_type == "ABORT" and subject.outcome == Outcome.SKIP:
            own["skipped"] = True
        facets: dict[str, Mapping[str, Any]] = {"observatory_run": without_none(own), **subject.parent}
        if event_type == "FAIL" and subject.message:
            facets["errorMessage"] = {"message": subject.message, "programmingLanguage": "AZURE"}
        job_facets = {"jobType": _job_type(subject.kind)}
        return self.author.run_event(
            event_type, at, subject.run_id, subject.name, run_facets=facets, job_facets=job_facets
        )


def _end_of(run: PipelineRun) -> datetime | None:
    """End of a pipeline run, or its last change after it has ended; None before: its last change would move."""
    try:
        has_ended = outcome_of(run.status) in _ENDS
    except UnknownState:
        has_ended = False
    return (run.run_end or run.last_updated) if has_ended else None


def _job_type(kind: str) -> dict[str, str]:
    return {"integration": "AZURE_DATA_FACTORY", "jobType": kind, "processingType": "BATCH"}
