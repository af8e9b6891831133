"""Calls to Databricks' Jobs API 2.2 with CAN VIEW on the jobs. Made from its reference, and never seen live."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from msgspec import Struct

from pull.http.client import Client, read
from pull.http.faults import Fault, FaultCode
from pull.sources.databricks import records
from pull.sources.databricks.records import Job, Run

_TOKEN: Final = "/oidc/v1/token"  # noqa: S105 - a path
_JOBS: Final = "/api/2.2/jobs/list"
_RUNS: Final = "/api/2.2/jobs/runs/list"
_RUN: Final = "/api/2.2/jobs/runs/get"
_MOST_PAGES: Final = 100_000
# A run that was deleted, or is older than 60 days.
_GONE: Final = frozenset((FaultCode.NOT_FOUND, FaultCode.BAD_REQUEST))
_Page = TypeVar("_Page", records.Jobs, records.Runs)
_Shape = TypeVar("_Shape", bound=Struct)
_Parameters = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Login:
    """A personal access token; or, with a client id, the secret of a service principal."""

    secret: str = field(repr=False)
    client_id: str = ""


class DatabricksApi:
    def __init__(self, client: Client, login: Login) -> None:
        self._client = client
        self._login = login
        self._signed_in = False

    def sign_in(self) -> None:
        """Raises Fault."""
        if not self._login.client_id:
            self._client.headers["Authorization"] = f"Bearer {self._login.secret}"
        else:
            pair = base64.b64encode(f"{self._login.client_id}:{self._login.secret}".encode()).decode()
            self._client.headers["Authorization"] = f"Basic {pair}"
            body = {"grant_type": "client_credentials", "scope": "all-apis"}
            token = read(self._client.post(_TOKEN, body, form=True), records.Token, _TOKEN)
            self._client.headers["Authorization"] = f"Bearer {token.access_token}"
        self._signed_in = True

    def jobs(self) -> Iterator[list[Job]]:
        for page in self._pages(_JOBS, records.Jobs, {"limit": 100}):
            yield page.jobs

    def runs(self, **filters: int | str) -> Iterator[list[Run]]:
        """Runs, those that began last first, in pages. `filters`: the API's parameters."""
        for page in self._pages(_RUNS, records.Runs, {"limit": 25, "expand_tasks": "true", **filters}):
            yield [self._whole(run) for run in page.runs]

    def run(self, run_id: str) -> Run | None:
        """A run with all its tasks; None if it is not there any more."""
        try:
            found = self._get(_RUN, Run, {"run_id": run_id})
        except Fault as fault:
            if fault.code not in _GONE:
                raise
            return None
        run, token = found, found.next_page_token
        while token:
            page = self._get(_RUN, Run, {"run_id": run_id, "page_token": token})
            run.tasks.extend(page.tasks)
            token = page.next_page_token
        return run

    def _whole(self, run: Run) -> Run:
        """A run of a list has its first 100 tasks alone."""
        return (self.run(run.key) or run) if run.has_more else run

    def _pages(self, path: str, shape: type[_Page], parameters: _Parameters) -> Iterator[_Page]:
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = self._get(path, shape, {**parameters, **({"page_token": token} if token else {})})
            yield page
            token = page.next_page_token
            if not token:
                return

    def _get(self, path: str, shape: type[_Shape], parameters: _Parameters) -> _Shape:
        if not self._signed_in:
            self.sign_in()
        try:
            return read(self._client.get(path, parameters), shape, path)
        except Fault as fault:
            if fault.code != FaultCode.UNAUTHORIZED or not self._login.client_id:
                raise
        # Its token has ended: one new one.
        self.sign_in()
        return read(self._client.get(path, parameters), shape, path)
