"""Records of the API of Step Functions, as far as fetching needs them. Pure."""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

# Status of an execution → type of its last event. The others run.
ENDS: Final = {"SUCCEEDED": "COMPLETE", "FAILED": "FAIL", "TIMED_OUT": "FAIL", "ABORTED": "ABORT"}
RUNNING: Final = frozenset(("RUNNING", "PENDING_REDRIVE"))
EXPRESS: Final = "EXPRESS"


class Machine(Struct, rename="camel", frozen=True):
    """State machine. One of type EXPRESS keeps no list of its executions."""

    state_machine_arn: str
    name: str
    type: str = "STANDARD"


class Execution(Struct, rename="camel"):
    """Execution of a state machine, as a list or its description has it.

    An execution that is redriven goes on where it failed, under its old ARN: `redrive_count` says how often.
    """

    execution_arn: str
    state_machine_arn: str
    status: str
    start_date: datetime
    stop_date: datetime | None = None
    redrive_count: int = 0
    redrive_date: datetime | None = None

    @property
    def began_at(self) -> datetime:
        """Start of its last redrive, or its own."""
        return self.redrive_date or self.start_date

    @property
    def changed_at(self) -> datetime:
        """Time of its end, or of its start if it runs."""
        return self.stop_date if self.has_ended and self.stop_date else self.began_at

    @property
    def machine_name(self) -> str:
        return self.state_machine_arn.split(":")[6]

    @property
    def has_ended(self) -> bool:
        return self.status in ENDS and self.stop_date is not None


class HistoryEvent(Struct, rename="camel"):
    """Event in the history of an execution. `details`: of its type, whatever that calls them."""

    id: int
    type: str
    timestamp: datetime
    previous_event_id: int = 0
    details: dict[str, Any] = field(default_factory=dict)
