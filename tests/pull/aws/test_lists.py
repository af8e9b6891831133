"""Lists of executions in the order that Amazon documents, which moto does not keep: what changed last comes first."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from pull.http.client import Client
from pull.sources.fetched import Window
from pull.sources.fetcher import Fetcher, Opened
from pull.sources.step_functions import STEP_FUNCTIONS
from tests.pull.conftest import ALLOWED
from tests.pull.local_server import Answer, Asked, answering

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ACCOUNT = "arn:aws:states:eu-west-1:123456789012"
MACHINE = f"{ACCOUNT}:stateMachine:shop"


def execution(name: str, began: float, ended: float | None = None, **fields: Any) -> dict[str, Any]:
    """`began`, `ended`: hours ago."""
    status = {"status": "RUNNING"} if ended is None else {"status": "SUCCEEDED", "stopDate": seconds(ended)}
    arn = f"{ACCOUNT}:execution:shop:{name}"
    return {"executionArn": arn, "stateMachineArn": MACHINE, "startDate": seconds(began), **status, **fields}


def seconds(hours_ago: float) -> float:
    return (NOW - timedelta(hours=hours_ago)).timestamp()


# One to a page: a page further than the first that is too old is not asked for.
PAGES = [
    execution("long", 72, ended=0.01),
    execution("redriven", 48, redriveCount=1, redriveDate=seconds(0.02)),
    execution("new", 0.03),
    execution("old", 30, ended=25),
    execution("older", 60, ended=50),
]


def answer(asked: Asked) -> Answer:
    operation = asked.headers["X-Amz-Target"].rpartition(".")[2]
    at = int(json.loads(asked.body).get("nextToken", 0))
    more = {"nextToken": str(at + 1)} if at + 1 < len(PAGES) else {}
    answers: dict[str, Any] = {
        "ListStateMachines": {"stateMachines": [{"stateMachineArn": MACHINE, "name": "shop", "type": "STANDARD"}]},
        "ListExecutions": {"executions": [PAGES[at]], **more},
        "GetExecutionHistory": {"events": []},
    }
    return Answer(200, json.dumps(answers[operation]).encode())


@contextmanager
def fetching() -> Iterator[tuple[Fetcher, list[Asked]]]:
    with answering(answer) as server, Client(server.url, ALLOWED) as client:
        config = {"region": "eu-west-1", "endpoint": server.url, "access_key_id": "AKIA"}
        opened = Opened(config, {"secret": "none"}, client, partial(Client, allowed=ALLOWED), lambda _: ())
        yield STEP_FUNCTIONS.open(opened), server.asked


def test_what_changed_is_read_back_to_the_last_sync() -> None:
    with fetching() as (fetcher, asked):
        batches = fetcher.runs(Window(NOW - timedelta(hours=1), NOW, is_newest=True))
        events = [msgspec.json.decode(body) for batch in batches for body in batch.bodies]
        listed = sum(b"stateMachineArn" in one.body for one in asked)
    assert [(event["eventType"], event["run"]["runId"].rpartition(":")[2]) for event in events] == [
        ("START", "long"),
        ("COMPLETE", "long"),
        ("START", "redriven#1"),
        ("START", "new"),
    ]
    assert listed == 4


def test_a_check_finds_those_that_began_lately() -> None:
    with fetching() as (fetcher, _):
        found = [(run.name.rpartition(":")[2], run.state) for run in fetcher.listed(NOW - timedelta(hours=32), 10)]
        newest = [run.name.rpartition(":")[2] for run in fetcher.listed(NOW - timedelta(hours=32), 1)]
    assert found == [("redriven#1", "RUNNING"), ("new", "RUNNING"), ("old", "COMPLETED")]
    assert newest == ["redriven#1"]
