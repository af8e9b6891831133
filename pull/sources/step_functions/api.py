"""Calls to Step Functions. List, Get and Describe suffice.

`ListExecutions` has no filter of time. By Amazon's documentation it lists what changed last first: those that run by
their start or redrive, the others by their end. moto lists the newest starts first.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from pull.sources.aws.caller import AwsCaller, converted, if_allowed, if_there
from pull.sources.step_functions.records import Execution, HistoryEvent, Machine

_SERVICE: Final = "stepfunctions"
# The most that AWS gives.
PAGE: Final = 1000
_TOKEN: Final = "nextToken"  # noqa: S105 - a field's name


class _Machines(Struct, rename="camel"):
    state_machines: list[Machine]


class _Executions(Struct):
    executions: list[Execution]


class StepFunctionsApi:
    def __init__(self, caller: AwsCaller) -> None:
        self._caller = caller

    def machines(self) -> Iterator[list[Machine]]:
        for page in self._caller.pages(_SERVICE, "list_state_machines", _TOKEN, maxResults=PAGE):
            yield converted(page, _Machines, "states:ListStateMachines").state_machines

    def executions(self, machine: Machine, page_size: int = PAGE) -> Iterator[list[Execution]]:
        """The executions of a state machine, the newest first."""
        for page in self._caller.pages(
            _SERVICE, "list_executions", _TOKEN, stateMachineArn=machine.state_machine_arn, maxResults=page_size
        ):
            yield converted(page, _Executions, "states:ListExecutions").executions

    def execution(self, arn: str) -> Execution | None:
        """An execution. None: it is not there any more, which AWS does after 90 days."""
        answer = if_there(lambda: self._caller.call(_SERVICE, "describe_execution", executionArn=arn))
        return None if answer is None else converted(answer, Execution, "states:DescribeExecution")

    def history(self, arn: str) -> list[HistoryEvent]:
        """All events of an execution, the oldest first; without inputs and outputs, which may hold data."""
        pages = self._caller.pages(
            _SERVICE,
            "get_execution_history",
            _TOKEN,
            executionArn=arn,
            maxResults=PAGE,
            includeExecutionData=False,
        )
        return [_event(event) for page in pages for event in page["events"]]

    def comment(self, machine: Machine) -> str | None:
        """The comment in the definition of a state machine. None: it is not known."""
        answer = if_allowed(
            lambda: self._caller.call(_SERVICE, "describe_state_machine", stateMachineArn=machine.state_machine_arn)
        )
        return None if answer is None else _comment(answer.get("definition", ""))

    def tags(self, machine: Machine) -> Mapping[str, str] | None:
        """The tags of a state machine. None: they are not known."""
        answer = if_allowed(
            lambda: self._caller.call(_SERVICE, "list_tags_for_resource", resourceArn=machine.state_machine_arn)
        )
        return None if answer is None else {tag["key"]: tag.get("value", "") for tag in answer.get("tags", ())}


def _event(event: Mapping[str, Any]) -> HistoryEvent:
    found = (value for name, value in event.items() if name.endswith("EventDetails"))
    return converted({**event, "details": next(found, {})}, HistoryEvent, "states:GetExecutionHistory")


def _comment(definition: str) -> str:
    try:
        found = json.loads(definition)
    except (ValueError, RecursionError):
        return ""
    comment = found.get("Comment", "") if isinstance(found, dict) else ""
    return comment if isinstance(comment, str) else ""
