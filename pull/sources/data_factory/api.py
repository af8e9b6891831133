"""Calls to Azure Data Factory's REST API with the role Reader. Made from its reference, and never seen live."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from msgspec import Struct

from pull.http.client import Client, read
from pull.http.faults import Fault, FaultCode
from pull.sources.data_factory import records
from pull.sources.data_factory.records import ActivityRun, Pipeline, PipelineRun, Trigger

_VERSION: Final = {"api-version": "2018-06-01"}
_SCOPE: Final = "https://management.azure.com/.default"
_MOST_PAGES: Final = 100_000
_Shape = TypeVar("_Shape", bound=Struct)


@dataclass(frozen=True, slots=True)
class Login:
    """A service principal. `client`: makes the client that asks for its tokens."""

    tenant: str
    client_id: str
    secret: str = field(repr=False)
    client: Callable[[], Client]

    def token(self) -> str:
        """Raises Fault."""
        path = f"/{quote(self.tenant, safe='')}/oauth2/v2.0/token"
        body = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
        with self.client() as client:
            return read(client.post(path, {**body, "scope": _SCOPE}, form=True), records.Token, path).access_token


class DataFactoryApi:
    """`names`: of the subscription, the resource group and the factory."""

    def __init__(self, client: Client, login: Login, names: tuple[str, str, str]) -> None:
        self._client = client
        self._login = login
        subscription, group, factory = (quote(name, safe="") for name in names)
        provider = "providers/Microsoft.DataFactory/factories"
        self._base = f"/subscriptions/{subscription}/resourceGroups/{group}/{provider}/{factory}"
        self._signed_in = False

    def sign_in(self) -> None:
        """Raises Fault."""
        self._client.headers["Authorization"] = f"Bearer {self._login.token()}"
        self._signed_in = True

    def pipeline_runs(self, since: datetime, until: datetime) -> Iterator[list[PipelineRun]]:
        """Pipeline runs that changed in this time, in pages."""
        for page in self._asked("/queryPipelineRuns", records.PipelineRuns, since, until):
            yield page.value

    def pipeline_run(self, run_id: str) -> PipelineRun | None:
        """A pipeline run; None if it is not there any more."""
        path = f"{self._base}/pipelineruns/{quote(run_id, safe='')}"
        try:
            return read(self._ask(lambda: self._client.get(path, _VERSION)), PipelineRun, path)
        except Fault as fault:
            if fault.code != FaultCode.NOT_FOUND:
                raise
            return None

    def activity_runs(self, run: PipelineRun, until: datetime) -> Iterator[list[ActivityRun]]:
        """Activity runs of a pipeline run, in pages."""
        since = run.run_start or until
        path = f"/pipelineruns/{quote(run.run_id, safe='')}/queryActivityruns"
        for page in self._asked(path, records.ActivityRuns, since, until):
            yield page.value

    def pipelines(self) -> Iterator[list[Pipeline]]:
        for page in self._listed("/pipelines", records.Pipelines):
            yield page.value

    def triggers(self) -> Iterator[list[Trigger]]:
        for page in self._listed("/triggers", records.Triggers):
            yield page.value

    def _asked(self, path: str, shape: type[_Shape], since: datetime, until: datetime) -> Iterator[_Shape]:
        """Pages of a query. The token of the next page goes into the next body."""
        body: dict[str, Any] = {"lastUpdatedAfter": since.isoformat(), "lastUpdatedBefore": until.isoformat()}
        for _ in range(_MOST_PAGES):
            content = self._ask(lambda: self._client.post(self._base + path, body, _VERSION))  # noqa: B023 - at once
            page = read(content, shape, path)
            yield page
            token = getattr(page, "continuation_token", None)
            if not token:
                return
            body = {**body, "continuationToken": token}

    def _listed(self, path: str, shape: type[_Shape]) -> Iterator[_Shape]:
        """Pages of a list. Each names the address of the next one: its query counts, not its host."""
        parameters: Mapping[str, str | Sequence[str]] = _VERSION
        for _ in range(_MOST_PAGES):
            content = self._ask(lambda: self._client.get(self._base + path, parameters))  # noqa: B023 - at once
            page = read(content, shape, path)
            yield page
            following = getattr(page, "next_link", None)
            if not following:
                return
            parameters = {**parse_qs(urlsplit(following).query), **_VERSION}

    def _ask(self, ask: Callable[[], bytes]) -> bytes:
        if not self._signed_in:
            self.sign_in()
        try:
            return ask()
        except Fault as fault:
            if fault.code != FaultCode.UNAUTHORIZED:
                raise
        # Its token has ended: one new one.
        self.sign_in()
        return ask()
