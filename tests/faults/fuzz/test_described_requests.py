"""Requests that schemathesis makes from the OpenAPI document, valid ones and others, over real HTTP: 10,000 of them in
make test-faults. Each answer is one that the document describes, valid data is taken and other data is not."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation

from tests.conftest import SAMPLES
from tests.faults.conftest import Product
from tests.faults.load import Target
from tests.faults.scale import LONG, scaled
from tests.serving import OwnDatabase

# Of each operation, besides those that follow from the document one by one: about 1,900, in the short form 1,100.
REQUESTS = scaled(15, 700)
SECONDS = 30

_ADD_READER = "from django.contrib.auth.models import User; User.objects.create(username='reader')"

document = SchemaGenerator().get_schema(request=None, public=True)
schema = schemathesis.openapi.from_dict(
    document,
    config=schemathesis.Config.from_dict(
        {
            "generation": {"max-examples": REQUESTS},
            "request-timeout": SECONDS,
            # Sends each request again without its key or token. The short form leaves that to test_access.py, which
            # asks for every route once.
            "checks": {"ignored_auth": {"enabled": LONG}},
            "operations": [
                # What is no event is listed in the answer to a batch, and does not refuse it.
                {"include-path-regex": "/batch$", "checks": {"negative_data_rejection": {"enabled": False}}},
                # The same bodies as at the paths that name the connection. No document can say that `compare` is
                # before `at`.
                {
                    "include-path-regex": "^/api/v1/lineage",
                    "phases": {"coverage": {"enabled": LONG}},
                    "checks": {"positive_data_acceptance": {"enabled": False}},
                },
            ],
        }
    ),
)

AnyCase = schemathesis.Case[Any]


@dataclass
class Caller:
    """Caller who knows the ids and cursors of existing rows, which cannot be guessed."""

    url: str
    session: requests.Session
    token: str
    key: str
    ids: dict[str, str]
    cursors: dict[str, str] = field(default_factory=dict)

    def read(self, path: str) -> Any:
        answer = self.session.get(
            f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"}, timeout=SECONDS
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, case: AnyCase) -> None:
        secret = self.key if case.method == "POST" else self.token
        self._make_real(case)
        case.call_and_validate(self.url, self.session, {"Authorization": f"Bearer {secret}"})

    def _make_real(self, case: AnyCase) -> None:
        """Puts ids that exist in the place of made up ones: else nearly every answer would be 404. Wrong ones stay."""
        parts = {ParameterLocation.PATH: case.path_parameters, ParameterLocation.QUERY: case.query}
        for location, parameters in parts.items():
            if not case.meta or case.meta.is_negative_at(location):
                continue
            for name in set(parameters or ()) & self.ids.keys():
                parameters[name] = self.ids[name]
            if "cursor" in (parameters or ()):
                # No document can say which texts are cursors.
                parameters["cursor"] = self._cursor(case)

    def _cursor(self, case: AnyCase) -> str:
        path = case.operation.path.format(**self.ids)
        # A search has to be told what for.
        query = "page_size=1&q=s" if path.endswith("/search") else "page_size=1"
        if path not in self.cursors:
            following = urlsplit(str(self.read(f"{path}?{query}")["next"]))
            [self.cursors[path]] = parse_qs(following.query)["cursor"]
        return self.cursors[path]


@pytest.fixture(scope="module")
def caller(database: OwnDatabase, product: Product, new_target: Callable[[int], Target]) -> Caller:
    database.manage("shell", "--no-imports", "--command", _ADD_READER)
    token = database.manage("create_api_token", "reader").split()[-1]
    target = new_target(product.server.port)
    lines = [line for path in sorted(SAMPLES.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
    caller = Caller(
        product.server.url, requests.Session(), token, target.key, {"connection_id": str(target.connection_id)}
    )
    bearer = {"Authorization": f"Bearer {target.key}"}
    sent = requests.post(
        f"{caller.url}{target.path}/batch", b"[%s]" % b",".join(lines), headers=bearer, timeout=SECONDS
    )
    assert sent.json()["summary"]["failed"] == 0
    # Settles what the server has not settled yet: until then, no list has it.
    database.manage("maintain")
    of_connection = f"/api/v1/connections/{target.connection_id}"
    runs = caller.read(f"{of_connection}/runs?page_size=500")["results"]
    # Those whose lists have more than one page: a cursor leads to the second.
    children = Counter(run["parent"]["run_id"] for run in runs if run["parent"])
    caller.ids["run_id"] = max(runs, key=lambda run: (run["event_count"] > 1, children[run["id"]]))["id"]
    datasets = caller.read("/api/v1/datasets?page_size=500")["results"]
    caller.ids["dataset_id"] = next(
        one["id"] for one in datasets if caller.read(f"/api/v1/datasets/{one['id']}/runs?page_size=1")["next"]
    )
    caller.ids["job_id"] = Counter(run["job"]["id"] for run in runs).most_common(1)[0][0]
    return caller


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: AnyCase, caller: Caller) -> None:
    caller.send(case)
