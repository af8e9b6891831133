"""Records of Azure Data Factory's REST API (2018-06-01), as far as fetching needs them. Names are the API's."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field


class Outcome(StrEnum):
    """Meaning of a status. WAITING: no run yet."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"
    SKIP = "SKIP"


class UnknownState(Exception):
    """Data Factory has a status that this version of the product does not know. Its text is the status."""


_OUTCOMES: Final = {
    "Queued": Outcome.WAITING,
    **dict.fromkeys(("InProgress", "Canceling", "Cancelling"), Outcome.RUNNING),
    "Succeeded": Outcome.COMPLETE,
    **dict.fromkeys(("Failed", "TimedOut"), Outcome.FAIL),
    **dict.fromkeys(("Cancelled", "Canceled"), Outcome.ABORT),
    **dict.fromkeys(("Skipped", "Inactive"), Outcome.SKIP),
}


def outcome_of(status: str) -> Outcome:
    """Raises UnknownState."""
    try:
        return _OUTCOMES[status]
    except KeyError:
        raise UnknownState(status or "none") from None


class PipelineRun(Struct, rename="camel"):
    run_id: str
    pipeline_name: str
    status: str = ""
    run_group_id: str | None = None
    run_start: datetime | None = None
    run_end: datetime | None = None
    last_updated: datetime | None = None
    message: str | None = None


class ActivityError(Struct, rename="camel"):
    message: str | None = None
    error_code: str | None = None


class ActivityRun(Struct, rename="camel"):
    activity_run_id: str
    activity_name: str
    activity_type: str = ""
    status: str = ""
    activity_run_start: datetime | None = None
    activity_run_end: datetime | None = None
    duration_in_ms: int | None = None
    retry_attempt: int | None = None
    error: ActivityError | None = None

    @property
    def ended_at(self) -> datetime | None:
        """End, or what its duration makes it; None if Data Factory says neither."""
        if self.activity_run_end is None and self.activity_run_start is not None and self.duration_in_ms is not None:
            return self.activity_run_start + timedelta(milliseconds=self.duration_in_ms)
        return self.activity_run_end


class PipelineRuns(Struct, rename="camel"):
    value: list[PipelineRun]
    continuation_token: str | None = None


class ActivityRuns(Struct, rename="camel"):
    value: list[ActivityRun]
    continuation_token: str | None = None


class _PipelineProperties(Struct):
    description: str | None = None
    annotations: list[Any] = field(default_factory=list)


class Pipeline(Struct):
    name: str
    properties: _PipelineProperties = field(default_factory=_PipelineProperties)


class Pipelines(Struct, rename="camel"):
    value: list[Pipeline]
    next_link: str | None = None


class _Recurrence(Struct, rename="camel"):
    frequency: str = ""
    interval: int = 1
    time_zone: str = ""


class _TriggerTypeProperties(Struct, rename="camel"):
    # Of a schedule.
    recurrence: _Recurrence | None = None
    # Of a tumbling window.
    frequency: str = ""
    interval: int = 1


class _PipelineReference(Struct, rename="camel"):
    reference_name: str = ""


class _TriggeredPipeline(Struct, rename="camel"):
    pipeline_reference: _PipelineReference = field(default_factory=_PipelineReference)


class _TriggerProperties(Struct, rename="camel"):
    type: str = ""
    runtime_state: str = ""
    pipelines: list[_TriggeredPipeline] = field(default_factory=list)
    pipeline: _TriggeredPipeline | None = None
    type_properties: _TriggerTypeProperties = field(default_factory=_TriggerTypeProperties)


class Trigger(Struct):
    name: str
    properties: _TriggerProperties = field(default_factory=_TriggerProperties)

    @property
    def pipeline_names(self) -> list[str]:
        named = [*self.properties.pipelines, *([self.properties.pipeline] if self.properties.pipeline else [])]
        return [one.pipeline_reference.reference_name for one in named]

    @property
    def schedule(self) -> tuple[str, str]:
        """Schedule in words, and its time zone. Empty for a trigger that waits for an event."""
        said = self.properties.type_properties
        recurrence = said.recurrence or _Recurrence(said.frequency, said.interval)
        if not recurrence.frequency:
            return "", ""
        every = (
            f"{recurrence.interval} {recurrence.frequency.lower()}s"
            if recurrence.interval != 1
            else (recurrence.frequency.lower())
        )
        return f"every {every}", recurrence.time_zone


class Triggers(Struct, rename="camel"):
    value: list[Trigger]
    next_link: str | None = None


class Token(Struct):
    access_token: str
