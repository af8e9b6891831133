"""Account of AWS as moto's server plays it, over HTTP: a state machine and jobs that have run."""

import json
import logging
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.config import Config
from botocore.session import Session
from moto.server import ThreadedMotoServer

REGION: Final = "eu-west-1"
_ROLE: Final = "arn:aws:iam::123456789012:role/states"
_ANY: Final = ["States.ALL"]
_WHO: Final = "arn:aws:states:::aws-sdk:sts:getCallerIdentity"
_START: Final = "arn:aws:states:::aws-sdk:glue:startJobRun"
# A map over two items, a task that fails twice and is caught, a choice, tasks side by side, and a Fail state.
SHOP: Final = {
    "Comment": "Loads the shop",
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "Iterator": {
                "StartAt": "Prepare",
                "States": {
                    "Prepare": {"Type": "Pass", "Next": "Load"},
                    "Load": {"Type": "Task", "Resource": _WHO, "Parameters": {}, "End": True},
                },
            },
            "ResultPath": None,
            "Next": "Flaky",
        },
        "Flaky": {
            "Type": "Task",
            "Resource": _START,
            "Parameters": {"JobName": "missing"},
            "Retry": [{"ErrorEquals": _ANY, "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": _ANY, "ResultPath": None, "Next": "Decide"}],
            "Next": "Decide",
        },
        "Decide": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.bad", "BooleanEquals": True, "Next": "Give up"}],
            "Default": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Left", "States": {"Left": {"Type": "Task", "Resource": _WHO, "End": True}}},
                {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "End": True}}},
            ],
            "End": True,
        },
        "Give up": {"Type": "Fail", "Error": "Bad", "Cause": "because"},
    },
}
_PASS: Final = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
_WAIT: Final = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}


@dataclass
class Account:
    url: str

    def __post_init__(self) -> None:
        session, config = Session(), Config(retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "none"}
        self.states, self.glue = (
            session.create_client(name, region_name=REGION, endpoint_url=self.url, config=config, **keys)
            for name in ("stepfunctions", "glue")
        )

    def machine(self, name: str, definition: Any, **options: Any) -> str:
        made = self.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=_ROLE, **options)
        return str(made["stateMachineArn"])

    def start(self, machine: str, name: str, **given: Any) -> str:
        started = self.states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))
        return str(started["executionArn"])

    def executions(self) -> list[Any]:
        machines = self.states.list_state_machines()["stateMachines"]
        lists = (self.states.list_executions(stateMachineArn=one["stateMachineArn"]) for one in machines)
        return [one for found in lists for one in found["executions"]]

    def post(self, path: str, content: Any) -> None:
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.url + path, json.dumps(content).encode(), headers)  # noqa: S310 - http
        urllib.request.urlopen(asked).close()  # noqa: S310


def wait(until: Callable[[], bool]) -> None:
    """Look until it is so; what is waited for takes a second or two."""
    for _ in range(1500):
        if until():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def wait_for_the_next_second() -> None:
    """AWS tells its time in whole seconds: what began in this second is fetched in the next."""
    now = int(time.time())
    wait(lambda: int(time.time()) > now)


@contextmanager
def account() -> Iterator[Account]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    # Tasks of state machines call services there.
    os.environ["MOTO_PORT"] = str(port)
    try:
        made = Account(f"http://127.0.0.1:{port}")
        made.post("/moto-api/config", {"stepfunctions": {"execute_state_machine": True}})
        _fill(made)
        yield made
    finally:
        del os.environ["MOTO_PORT"]
        server.stop()


def _fill(made: Account) -> None:
    shop = made.machine("shop", SHOP, tags=[{"key": "owner", "value": "ada"}, {"key": "team", "value": "shop"}])
    made.start(shop, "good", items=[1, 2], bad=False)
    made.start(shop, "bad", items=[1, 2], bad=True)
    many = made.machine("many", _PASS)
    for number in range(5):
        made.start(many, f"run-{number}")
    made.machine("quick", _PASS, type="EXPRESS")
    made.machine("sleeps", _WAIT)
    command = {"Name": "glueetl", "ScriptLocation": "s3://shop/etl.py"}
    made.glue.create_job(Name="etl", Role="r", Command=command, Description="Loads", Tags={"Owner": "bob", "x": "y"})
    made.glue.create_job(Name="idle", Role="r", Command=command)
    for _ in range(5):
        made.glue.start_job_run(JobName="etl")
    made.glue.create_workflow(Name="nightly", Description="Every night")
    made.glue.create_trigger(
        Name="at-one",
        Type="SCHEDULED",
        Schedule="cron(0 1 * * ? *)",
        Actions=[{"JobName": "etl"}],
        StartOnCreation=True,
    )
    wait(lambda: all(one["status"] != "RUNNING" for one in made.executions()))
    wait_for_the_next_second()


def now() -> datetime:
    return datetime.now(UTC)
