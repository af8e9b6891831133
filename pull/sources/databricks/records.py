"""Records of Databricks' Jobs API 2.2, as far as fetching needs them. Times are milliseconds since 1970; 0: not yet."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field


class Outcome(StrEnum):
    """Meaning of a state. WAITING: no run yet."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"
    SKIP = "SKIP"


class UnknownState(Exception):
    """Databricks has a state that this version of the product does not know. Its text is the state."""


_WAITING: Final = ("PENDING", "QUEUED", "BLOCKED", "WAITING", "WAITING_FOR_RETRY")
# State of the life of a run that has not ended.
_OPEN: Final = {
    **dict.fromkeys(_WAITING, Outcome.WAITING),
    **dict.fromkeys(("RUNNING", "TERMINATING"), Outcome.RUNNING),
}
# Result of a run, or code of its termination.
_ENDED: Final = {
    **dict.fromkeys(("SUCCESS", "SUCCESS_WITH_FAILURES"), Outcome.COMPLETE),
    **dict.fromkeys(("FAILED", "TIMEDOUT", "INTERNAL_ERROR", "RUN_EXECUTION_ERROR", "DRIVER_ERROR"), Outcome.FAIL),
    **dict.fromkeys(("CANCELED", "USER_CANCELED", "UPSTREAM_CANCELED", "UPSTREAM_FAILED"), Outcome.ABORT),
    **dict.fromkeys(
        (
            *("SKIPPED", "EXCLUDED", "DISABLED", "MAXIMUM_CONCURRENT_RUNS_REACHED"),
            *("MAX_CONCURRENT_RUNS_EXCEEDED", "MAX_JOB_QUEUE_SIZE_EXCEEDED"),
        ),
        Outcome.SKIP,
    ),
}
# Types of termination: whose fault it was. Codes of failures are many, and more come.
_FAULTS: Final = ("INTERNAL_ERROR", "CLIENT_ERROR", "CLOUD_FAILURE")


class Termination(Struct):
    code: str = ""
    type: str = ""
    message: str | None = None


class Status(Struct):
    state: str = ""
    termination_details: Termination | None = None


class State(Struct):
    """State as earlier versions of the API have it."""

    life_cycle_state: str = ""
    result_state: str | None = None
    state_message: str | None = None


class _Execution(Struct, kw_only=True):
    run_id: int
    start_time: int = 0
    end_time: int | None = None
    attempt_number: int = 0
    status: Status | None = None
    state: State | None = None
    run_page_url: str | None = None

    @property
    def began_at(self) -> datetime | None:
        return _time(self.start_time)

    @property
    def ended_at(self) -> datetime | None:
        return _time(self.end_time)

    @property
    def outcome(self) -> Outcome:
        """Raises UnknownState."""
        life = (self.status.state if self.status else "") or (self.state.life_cycle_state if self.state else "")
        if life in _OPEN:
            return _OPEN[life]
        details = (self.status.termination_details if self.status else None) or Termination()
        result = (self.state.result_state if self.state else None) or ""
        for said in (result, details.code, life):
            if said in _ENDED:
                return _ENDED[said]
        if details.type in _FAULTS:
            return Outcome.FAIL
        raise UnknownState(details.code or result or life or "none")

    @property
    def message(self) -> str | None:
        details = self.status.termination_details if self.status else None
        return (details.message if details else None) or (self.state.state_message if self.state else None) or None


class Task(_Execution):
    task_key: str


class Run(_Execution):
    job_id: int = 0
    run_name: str = ""
    tasks: list[Task] = field(default_factory=list)
    # More tasks are on further pages.
    has_more: bool = False
    next_page_token: str | None = None

    @property
    def key(self) -> str:
        return str(self.run_id)


class Schedule(Struct):
    quartz_cron_expression: str = ""
    timezone_id: str = ""


class Settings(Struct):
    name: str = ""
    description: str | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule | None = None


class Job(Struct):
    job_id: int
    created_time: int = 0
    settings: Settings = field(default_factory=Settings)
    creator_user_name: str | None = None
    run_as_user_name: str | None = None


class Jobs(Struct):
    jobs: list[Job] = field(default_factory=list)
    next_page_token: str | None = None


class Runs(Struct):
    runs: list[Run] = field(default_factory=list)
    next_page_token: str | None = None


class Token(Struct):
    access_token: str


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
