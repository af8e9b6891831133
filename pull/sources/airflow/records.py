"""Records of Airflow's REST API, of version 1 (Airflow 2) and 2 (Airflow 3), as far as fetching needs them.

Seen with Airflow 2.11 and 3.3. Fields that one version lacks have a default.
"""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

AWAITS_INPUT: Final = "awaiting_input"
# States of a task instance that runs.
RUNNING: Final = frozenset(("running", "deferred", "up_for_reschedule", "restarting", AWAITS_INPUT))


class Version(Struct):
    version: str


class Token(Struct):
    access_token: str


class Tag(Struct):
    name: str


class Dag(Struct):
    dag_id: str
    is_paused: bool | None = None
    owners: list[str] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    description: str | None = None
    # Airflow 3: text. Airflow 2: `schedule_interval` is an object with the field `value`, or null.
    timetable_summary: str | None = None
    schedule_interval: Any = None
    last_parsed_time: datetime | None = None
    file_token: str | None = None


class Task(Struct):
    task_id: str
    downstream_task_ids: list[str] = field(default_factory=list)
    retries: float = 0


class DagRun(Struct):
    dag_id: str
    dag_run_id: str
    state: str | None = None
    logical_date: datetime | None = None
    # Not in Airflow 2.
    run_after: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    run_type: str | None = None

    @property
    def date(self) -> datetime | None:
        """The time of which its run ids are made."""
        return self.logical_date or self.run_after


class TaskInstance(Struct):
    """Task instance, or an earlier try of one. `map_index` is -1 if the task is not mapped."""

    dag_id: str
    dag_run_id: str
    task_id: str
    map_index: int = -1
    state: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    duration: float | None = None
    try_number: int = 0
    max_tries: int = 0
    operator: str | None = None
    # Process id in its worker. None: no worker ran it.
    pid: int | None = None


class Provider(Struct):
    package_name: str
    version: str


class Providers(Struct):
    providers: list[Provider]


class Dags(Struct):
    dags: list[Dag]
    # Rows of all pages.
    total_entries: int | None = None


class Tasks(Struct):
    tasks: list[Task]


class DagRuns(Struct):
    dag_runs: list[DagRun]
    total_entries: int | None = None


class TaskInstances(Struct):
    task_instances: list[TaskInstance]
    total_entries: int | None = None
