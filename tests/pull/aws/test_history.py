"""Histories of executions that moto does not play: redrives, timeouts, nested maps, aborted states. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from pull.sources.step_functions.events import run_events
from pull.sources.step_functions.history import States, states_of
from pull.sources.step_functions.records import Execution, HistoryEvent

ARN = "arn:aws:states:eu-west-1:123456789012:execution:shop:one"
BEGAN = datetime(2026, 12, 1, tzinfo=UTC)


def read(*events: tuple[int, str] | tuple[int, str, dict[str, Any]]) -> States:
    """Read events, numbered from 1 on, a second apart: the number of the one before, the type, its details."""
    return states_of(
        HistoryEvent(number, event[1], at(number), event[0], event[2] if len(event) > 2 else {})
        for number, event in enumerate(events, 1)
    )


def at(second: int) -> datetime:
    return BEGAN + timedelta(seconds=second)


def ends(states: States) -> list[tuple[Any, ...]]:
    return [(one.name, one.redrive, one.number, one.map_index, one.end) for one in states.attempts]


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


REDRIVEN = (
    (0, "ExecutionStarted"),
    (0, "MapStateEntered", named("Each")),
    (2, "MapStateStarted"),
    (3, "MapIterationStarted", named("Each", index=0)),
    (4, "TaskStateEntered", named("Load")),
    (5, "TaskScheduled"),
    (6, "TaskFailed", {"error": "Gone", "cause": "no table"}),
    (7, "MapIterationFailed", named("Each", index=0)),
    (8, "MapStateFailed", {"error": "Gone"}),
    (9, "ExecutionFailed", {"error": "Gone", "cause": "no table"}),
    (10, "ExecutionRedriven", {"redriveCount": 1}),
    (7, "TaskScheduled"),
    (12, "TaskSucceeded"),
    (13, "TaskStateExited", named("Load")),
    (14, "MapIterationSucceeded", named("Each", index=0)),
    (15, "MapStateSucceeded"),
    (16, "MapStateExited", named("Each")),
    (17, "ExecutionSucceeded"),
)


def test_a_redrive_is_a_run_of_its_own() -> None:
    states = read(*REDRIVEN)
    assert ends(states) == [
        ("Each", 0, 1, None, "FAIL"),
        ("Load", 0, 1, 0, "FAIL"),
        ("Load", 1, 1, 0, "COMPLETE"),
        ("Each", 1, 1, None, "COMPLETE"),
    ]
    execution = Execution(
        ARN, "arn:aws:states:eu-west-1:123456789012:stateMachine:shop", "SUCCEEDED", BEGAN, at(18), 1, at(11)
    )
    events = [msgspec.json.decode(body) for body in run_events(execution, states)]
    of_machine = [event for event in events if event["job"]["name"] == "shop"]
    assert [(event["eventType"], event["run"]["runId"], event["eventTime"][17:19]) for event in of_machine] == [
        ("START", ARN, "00"),
        ("FAIL", ARN, "10"),
        ("START", f"{ARN}#1", "11"),
        ("COMPLETE", f"{ARN}#1", "18"),
    ]
    assert of_machine[1]["run"]["facets"]["errorMessage"]["message"] == "Gone: no table"
    parents = [event["run"]["facets"]["parent"]["run"]["runId"] for event in events if event not in of_machine]
    assert parents == [ARN] * 4 + [f"{ARN}#1"] * 4
    assert list(run_events(execution, states)) == list(run_events(execution, read(*REDRIVEN)))


def test_what_is_under_way_when_an_execution_ends_is_aborted() -> None:
    for end in ("ExecutionTimedOut", "ExecutionAborted"):
        states = read((0, "ExecutionStarted"), (0, "TaskStateEntered", named("Load")), (2, "TaskScheduled"), (0, end))
        assert ends(states) == [("Load", 0, 1, None, "ABORT")]
        assert states.attempts[0].ended_at == at(4)


def test_an_iteration_that_is_aborted_aborts_what_is_in_it() -> None:
    states = read(
        (0, "ExecutionStarted"),
        (0, "MapStateEntered", named("Each")),
        (2, "MapStateStarted"),
        (3, "MapIterationStarted", named("Each", index=1)),
        (4, "TaskStateEntered", named("Load")),
        (5, "MapIterationAborted", named("Each", index=1)),
        (6, "MapStateAborted"),
        (7, "ExecutionSucceeded"),
    )
    assert ends(states) == [("Each", 0, 1, None, "ABORT"), ("Load", 0, 1, 1, "ABORT")]
    assert [one.ended_at for one in states.attempts] == [at(7), at(6)]


def test_a_branch_that_fails_aborts_the_other() -> None:
    states = read(
        (0, "ExecutionStarted"),
        (0, "ParallelStateEntered", named("Both")),
        (2, "ParallelStateStarted"),
        (3, "TaskStateEntered", named("Left")),
        (3, "TaskStateEntered", named("Right")),
        (4, "TaskTimedOut", {"error": "States.Timeout"}),
        (5, "TaskStateAborted"),
        (6, "ParallelStateFailed"),
        (8, "ExecutionFailed", {"error": "States.Timeout"}),
    )
    assert ends(states) == [
        ("Both", 0, 1, None, "FAIL"),
        ("Left", 0, 1, None, "FAIL"),
        ("Right", 0, 1, None, "ABORT"),
    ]


def test_maps_in_maps_and_fail_states_in_them() -> None:
    states = read(
        (0, "ExecutionStarted"),
        (0, "MapStateEntered", named("Outer")),
        (2, "MapStateStarted"),
        (3, "MapIterationStarted", named("Outer", index=4)),
        (4, "MapStateEntered", named("Inner")),
        (5, "MapStateStarted"),
        (6, "MapIterationStarted", named("Inner", index=7)),
        (7, "FailStateEntered", named("Give up")),
        (8, "MapIterationFailed", named("Inner", index=7)),
        (8, "MapStateFailed", {"error": "Bad"}),
        (10, "MapStateExited", named("Inner")),
        (11, "MapIterationSucceeded", named("Outer", index=4)),
        (12, "MapStateExited", named("Outer")),
        (13, "ExecutionSucceeded"),
    )
    # The outer map caught the failure of the inner one.
    assert ends(states) == [
        ("Outer", 0, 1, None, "COMPLETE"),
        ("Inner", 0, 1, 4, "FAIL"),
        ("Give up", 0, 1, 7, "FAIL"),
    ]
