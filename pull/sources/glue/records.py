"""Records of the API of Glue, as far as fetching needs them. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

# State of a job run → type of its last event.
JOB_ENDS: Final = {
    "SUCCEEDED": "COMPLETE",
    "FAILED": "FAIL",
    "ERROR": "FAIL",
    "TIMEOUT": "FAIL",
    "EXPIRED": "FAIL",
    "STOPPED": "ABORT",
}
WORKFLOW_ENDS: Final = {"COMPLETED": "COMPLETE", "ERROR": "FAIL", "STOPPED": "ABORT"}
RUNNING: Final = frozenset(("RUNNING", "STOPPING"))
# A job run in these states has not begun.
WAITING: Final = frozenset(("STARTING", "WAITING"))


class Job(Struct, rename="pascal"):
    name: str
    description: str = ""


class Action(Struct, rename="pascal"):
    job_name: str | None = None


class Trigger(Struct, rename="pascal"):
    """Trigger of jobs. With a workflow's name it begins that, or a part of it."""

    name: str
    type: str = ""
    state: str = ""
    schedule: str = ""
    workflow_name: str = ""
    actions: list[Action] = field(default_factory=list)


class JobRun(Struct, rename="pascal"):
    """Run of a job, or a further attempt of one. `attempt`: from 0 on."""

    id: str
    job_name: str
    job_run_state: str
    started_on: datetime | None = None
    last_modified_on: datetime | None = None
    completed_on: datetime | None = None
    attempt: int = 0
    error_message: str = ""

    @property
    def key(self) -> str:
        return f"job:{self.id}:{self.job_name}"

    @property
    def has_ended(self) -> bool:
        return self.job_run_state in JOB_ENDS

    @property
    def ended_at(self) -> datetime | None:
        return self.completed_on or self.last_modified_on


class WorkflowRun(Struct, rename="pascal"):
    """`graph`: its jobs and their runs; empty in lists."""

    workflow_run_id: str
    name: str
    status: str
    started_on: datetime | None = None
    completed_on: datetime | None = None
    error_message: str = ""
    graph: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"workflow:{self.workflow_run_id}:{self.name}"

    @property
    def has_ended(self) -> bool:
        return self.status in WORKFLOW_ENDS

    def job_runs(self) -> Iterator[str]:
        """Ids of the job runs in its graph."""
        for node in self.graph.get("Nodes", ()):
            for run in (node.get("JobDetails") or {}).get("JobRuns", ()):
                if run_id := run.get("Id"):
                    yield run_id
