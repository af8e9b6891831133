"""Test of Step Functions, step by step."""

from collections.abc import Iterator

from pull.http.faults import Fault
from pull.sources.aws.caller import AwsCaller
from pull.sources.fetcher import Step
from pull.sources.step_functions.api import StepFunctionsApi
from pull.sources.step_functions.records import EXPRESS, Execution, Machine


def probe(api: StepFunctionsApi, caller: AwsCaller) -> Iterator[Step]:
    """Try what fetching needs: to sign in, to list state machines, to read executions and their histories."""
    title = "Signs in"
    try:
        yield Step(title, True, f"AWS knows the key as {caller.identity().arn}.")
        title = "Lists state machines"
        machines = next(api.machines(), [])
        yield Step(title, True, _words(machines))
        title = "Reads executions"
        execution = _first(api, machines)
        yield Step(title, True, f"For example {execution.execution_arn}." if execution else "There are none yet.")
        if execution is not None:
            title = "Reads histories"
            api.history(execution.execution_arn)
            yield Step(title, True, "The states of an execution.")
    except Fault as fault:
        yield Step(title, False, fault.words)


def _first(api: StepFunctionsApi, machines: list[Machine]) -> Execution | None:
    """An execution of one of the first state machines, if there is any."""
    some = [machine for machine in machines if machine.type != EXPRESS][:5]
    return next((page[0] for machine in some if (page := next(api.executions(machine), []))), None)


def _words(machines: list[Machine]) -> str:
    if not machines:
        return "There are none in this region."
    express = sum(machine.type == EXPRESS for machine in machines)
    left_out = f" {express} of type EXPRESS keep no list of executions, and are left out." if express else ""
    return f"For example {machines[0].name}.{left_out}"
