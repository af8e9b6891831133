"""Calls to Airflow's REST API: version 2 (Airflow 3) and version 1 (Airflow 2). A read-only role suffices.

Seen with Airflow 3.3 and 2.11: `limit` is cut without a word to the server's maximum, so a page is the last one only if
it is empty. Airflow 2 sorts task instances by nothing, and does not cut their pages: they are asked for in large ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import quote

from msgspec import Struct

from pull.http.client import Client, read
from pull.http.faults import Fault, FaultCode
from pull.sources.airflow import records
from pull.sources.airflow.logins import Login
from pull.sources.airflow.reasons import Log, decode_log
from pull.sources.airflow.records import AWAITS_INPUT, RUNNING, Dag, DagRun, Task, TaskInstance

PAGE: Final = 100
# About 20 MB. A window with more rows is too large an answer, and halved.
_UNSORTED_PAGE: Final = 20_000
_MOST_RESTARTS: Final = 5
# The first Airflow in which a task may wait for a person.
_FIRST_WITH_INPUT: Final = (3, 1)
_PROVIDER: Final = "apache-airflow-providers-openlineage"
_MOST_PAGES: Final = 20_000
# A reason that cannot be had holds nothing else up.
_WITHOUT_LOG: Final = frozenset(
    (FaultCode.FORBIDDEN, FaultCode.NOT_FOUND, FaultCode.TOO_LARGE, FaultCode.TIMED_OUT, FaultCode.SERVER_FAULT)
)
_Page = TypeVar("_Page", bound=Struct)
_Parameters = Mapping[str, str | int | Sequence[str]]


class AirflowApi:
    def __init__(self, client: Client, login: Login) -> None:
        self._client = client
        self._login = login
        self._signed_in = False
        self._version: records.Version | None = None
        self._base = ""

    def version(self) -> str:
        """Ask for Airflow's version, which needs no right. Decides which version of the API is used."""
        if self._version is None:
            self._version = self._find_version()
        return self._version.version

    @property
    def is_airflow_3(self) -> bool:
        self.version()
        return self._base == "/api/v2"

    @property
    def running_states(self) -> list[str]:
        """States of a task instance that runs. An Airflow that does not know one answers with an error."""
        is_new = self.is_airflow_3 and _numbers(self.version()) >= _FIRST_WITH_INPUT
        return sorted(RUNNING if is_new else RUNNING - {AWAITS_INPUT})

    def sign_in(self) -> None:
        """Raises Fault UNAUTHORIZED or FORBIDDEN."""
        authorization = self._login.authorization(self._client, is_airflow_3=self.is_airflow_3)
        self._client.headers["Authorization"] = authorization
        self._signed_in = True

    def provider_version(self) -> str | None:
        """Return the version of its OpenLineage provider. None: it has none, or does not tell this user."""
        try:
            pages = self._pages("/providers", records.Providers, {})
            found = (one for page in pages for one in page.providers)
            return next((one.version for one in found if one.package_name == _PROVIDER), None)
        except Fault as fault:
            if fault.code not in (FaultCode.FORBIDDEN, FaultCode.NOT_FOUND):
                raise
            return None

    def dags(self) -> Iterator[list[Dag]]:
        for page in self._pages("/dags", records.Dags, {}):
            yield page.dags

    def tasks(self, dag_id: str) -> list[Task]:
        return self._one(f"/dags/{_quoted(dag_id)}/tasks", records.Tasks).tasks

    def dag_run(self, dag_id: str, run_id: str) -> DagRun:
        return self._one(f"/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}", DagRun)

    def dag_runs(self, **filters: str | int | Sequence[str]) -> Iterator[list[DagRun]]:
        """DAG runs of all DAGs, in pages. `filters`: the API's parameters."""
        for page in self._pages("/dags/~/dagRuns", records.DagRuns, {"order_by": "id", **filters}):
            yield page.dag_runs

    def task_instances(
        self, dag_id: str = "~", run_id: str = "~", **filters: str | int | Sequence[str]
    ) -> Iterator[list[TaskInstance]]:
        """Task instances, in pages: of one DAG run, or of all."""
        path = f"/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}/taskInstances"
        order: dict[str, str] = {"order_by": "id"} if self.is_airflow_3 else {}
        limit = PAGE if self.is_airflow_3 else _UNSORTED_PAGE
        for page in self._pages(path, records.TaskInstances, {**order, **filters}, limit):
            yield page.task_instances

    def tries(self, task: TaskInstance) -> list[TaskInstance]:
        """All tries of a task instance, the present one included."""
        mapped = f"/{task.map_index}" if task.map_index >= 0 else ""
        return self._one(f"{_path_of(task)}{mapped}/tries", records.TaskInstances).task_instances

    def log(self, task: TaskInstance) -> Log | None:
        """The log of a try. None if there is none, or it is too large, or this user may not read it."""
        path = f"{_path_of(task)}/logs/{task.try_number}"
        parameters = {"map_index": task.map_index} if task.map_index >= 0 else {}
        try:
            return decode_log(self._ask(path, parameters))
        except Fault as fault:
            if fault.code not in _WITHOUT_LOG:
                raise
            return None

    def _find_version(self) -> records.Version:
        for base in ("/api/v2", "/api/v1"):
            path = f"{base}/version"
            try:
                found = read(self._client.get(path), records.Version, path)
            except Fault as fault:
                if fault.code == FaultCode.NOT_FOUND and base == "/api/v2":
                    continue
                raise
            self._base = base
            return found
        raise AssertionError  # the last one returns or raises

    def _pages(self, path: str, shape: type[_Page], parameters: _Parameters, limit: int = PAGE) -> Iterator[_Page]:
        """Ask for all pages, until one is empty.

        A row that changes leaves a window that has an end, and each row behind it moves up: one would be between two
        pages. So such a window is asked for anew when its number of rows changes.
        """
        may_shrink = "updated_at_lte" in parameters
        offset, total, restarts = 0, None, 0
        for _ in range(_MOST_PAGES):
            page = self._one(path, shape, {**parameters, "limit": limit, "offset": offset})
            rows, now = _rows_and_total(page)
            if may_shrink and total is not None and now is not None and now < total:
                restarts += 1
                if restarts > _MOST_RESTARTS:
                    words = "Its runs change faster than they can be read. The next sync goes on with a shorter time."
                    raise Fault(FaultCode.UNEXPECTED, words, path=path)
                offset, total = 0, now
                continue
            total = now
            if not rows:
                return
            yield page
            offset += len(rows)

    def _one(self, path: str, shape: type[_Page], parameters: _Parameters | None = None) -> _Page:
        return read(self._ask(path, parameters), shape, path)

    def _ask(self, path: str, parameters: _Parameters | None) -> bytes:
        self.version()
        if not self._signed_in:
            self.sign_in()
        try:
            return self._client.get(self._base + path, parameters)
        except Fault as fault:
            if fault.code != FaultCode.UNAUTHORIZED or not self._login.can_renew:
                raise
        # The token has ended: one new one.
        self.sign_in()
        return self._client.get(self._base + path, parameters)


def _rows_and_total(page: Struct) -> tuple[list[object], int | None]:
    rows: list[object] = getattr(page, page.__struct_fields__[0])
    return rows, getattr(page, "total_entries", None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _path_of(task: TaskInstance) -> str:
    return f"/dags/{_quoted(task.dag_id)}/dagRuns/{_quoted(task.dag_run_id)}/taskInstances/{_quoted(task.task_id)}"


def as_text(time: datetime) -> str:
    """A time as a parameter."""
    return time.isoformat()


def _quoted(name: str) -> str:
    return quote(name, safe="~")
