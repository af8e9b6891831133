"""States that an execution went through, read from its history. Pure.

An event names the one before it in its own branch or iteration (`previousEventId`), not the one before it in time. So
each event has a place: the states and iterations around it, which it takes over from its predecessor.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from pull.sources.step_functions.records import HistoryEvent

# States that do work or hold others. Choice, Pass, Wait and Succeed only lead on.
SHOWN: Final = frozenset(("Task", "Map", "Parallel", "Fail"))
_ENTERED, _EXITED, _ABORTED = "StateEntered", "StateExited", "StateAborted"
# An attempt begins.
_SCHEDULED: Final = frozenset(
    (
        *("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"),
        *("MapStateStarted", "ParallelStateStarted"),
    )
)
# Events that say why the state around them fails, if nothing catches it.
_FAILURES: Final = tuple(
    f"{what}{how}"
    for what in ("Task", "LambdaFunction", "Activity", "MapState", "ParallelState", "Evaluation")
    for how in ("Failed", "TimedOut", "ScheduleFailed", "StartFailed", "SubmitFailed")
)
# Last event of an execution, or of the part before a redrive → type of the event that tells it.
_EXECUTION_ENDS: Final = {
    "ExecutionSucceeded": "COMPLETE",
    "ExecutionFailed": "FAIL",
    "ExecutionTimedOut": "FAIL",
    "ExecutionAborted": "ABORT",
}


@dataclass(slots=True)
class Attempt:
    """Attempt of a state in an execution. `event_id`: of the event that began it.

    `number`: from 1 on; a redrive counts anew. `end`: COMPLETE, FAIL or ABORT; None: it is under way.
    """

    event_id: int
    name: str
    kind: str
    redrive: int
    number: int
    map_index: int | None
    began_at: datetime
    ended_at: datetime | None = None
    end: str | None = None
    error: str | None = None
    cause: str | None = None

    def close(self, end: str, at: datetime) -> None:
        if self.end is None:
            self.end, self.ended_at = end, at

    def fail(self, event: HistoryEvent) -> None:
        if self.end is None:
            self.close("FAIL", event.timestamp)
            self.error, self.cause = event.details.get("error"), event.details.get("cause")


@dataclass(slots=True)
class Part:
    """Part of an execution: from its start, or from a redrive on. Times and end are None if the next part has them."""

    redrive: int
    began_at: datetime
    ended_at: datetime | None = None
    end: str | None = None
    error: str | None = None
    cause: str | None = None


class _Frame(NamedTuple):
    """State, or iteration of a map, around an event.

    `attempts`: of the state. An iteration has the name of its map, and its number.
    """

    name: str
    kind: str
    attempts: list[Attempt]
    iteration: int | None = None


_Place = tuple[_Frame, ...]


class States(NamedTuple):
    """States of an execution, in the order in which they began, and its parts."""

    attempts: list[Attempt]
    parts: list[Part]


def states_of(history: Iterable[HistoryEvent]) -> States:
    """Read the history of an execution."""
    reader = _Reader()
    for event in sorted(history, key=lambda event: event.id):
        reader.read(event)
    return States([one for one in reader.attempts if one.kind in SHOWN], reader.parts)


class _Reader:
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.parts: list[Part] = []
        # Event → what is around the events that follow it, the outermost first.
        self._places: dict[int, _Place] = {}

    def read(self, event: HistoryEvent) -> None:
        place = self._places.get(event.previous_event_id, ())
        self._places[event.id] = self._after(event, place)

    def _after(self, event: HistoryEvent, place: _Place) -> _Place:
        """Note what the event says, and return the place of those that follow it."""
        kind = event.type
        if kind.endswith(_ENTERED):
            frame = _Frame(str(event.details.get("name")), kind.removesuffix(_ENTERED), [])
            self._begin(frame, event, place, event.timestamp)
            place = (*place, frame)
        elif kind.endswith((_EXITED, _ABORTED)):
            place = self._leave(event, place)
        elif kind.startswith("MapIteration"):
            place = _iteration(event, place)
        elif kind in _SCHEDULED:
            if place and place[-1].attempts and place[-1].attempts[-1].end is not None:
                self._begin(place[-1], event, place, event.timestamp)
        elif kind in _FAILURES:
            place = self._fail(event, place)
        elif kind.startswith("Execution"):
            self._execution(event, place)
        return place

    @property
    def _redrive(self) -> int:
        return self.parts[-1].redrive if self.parts else 0

    def _begin(self, frame: _Frame, event: HistoryEvent, place: _Place, at: datetime) -> Attempt:
        number = 1 + sum(one.redrive == self._redrive for one in frame.attempts)
        index = next((around.iteration for around in reversed(place) if around.iteration is not None), None)
        attempt = Attempt(event.id, frame.name, frame.kind, self._redrive, number, index, at)
        frame.attempts.append(attempt)
        self.attempts.append(attempt)
        return attempt

    def _present(self, frame: _Frame, event: HistoryEvent, place: _Place) -> Attempt:
        """The last attempt of a state. After a redrive, states that hold others go on without a word."""
        last = frame.attempts[-1]
        if last.redrive == self._redrive:
            return last
        return self._begin(frame, event, place, self.parts[-1].began_at)

    def _leave(self, event: HistoryEvent, place: _Place) -> _Place:
        """Leave a state. One whose last attempt failed was left by a catcher, and stays failed."""
        end, suffix = ("COMPLETE", _EXITED) if event.type.endswith(_EXITED) else ("ABORT", _ABORTED)
        kind, name = event.type.removesuffix(suffix), event.details.get("name")
        at = _innermost(place, lambda frame: frame.kind == kind and name in (None, frame.name))
        if at is None:
            return place
        self._present(place[at], event, place[:at]).close(end, event.timestamp)
        return place[:at]

    def _fail(self, event: HistoryEvent, place: _Place) -> _Place:
        """Let an attempt fail: of the state in which the event is, or of the map or parallel state that it names."""
        kinds = {"M": ("Map",), "P": ("Parallel",), "E": ("Task", "Map", "Parallel")}.get(event.type[0], ("Task",))
        at = _innermost(place, lambda frame: frame.kind in kinds and self._is_open(frame))
        if at is None:
            return place
        _fail_inside(place[at + 1 :], event)
        self._present(place[at], event, place[:at]).fail(event)
        return place[: at + 1]

    def _is_open(self, frame: _Frame) -> bool:
        return frame.attempts[-1].end is None or frame.attempts[-1].redrive != self._redrive

    def _execution(self, event: HistoryEvent, place: _Place) -> None:
        if event.type in ("ExecutionStarted", "ExecutionRedriven"):
            self.parts.append(Part(len(self.parts), event.timestamp))
        elif event.type in _EXECUTION_ENDS and self.parts:
            part = self.parts[-1]
            part.end, part.ended_at = _EXECUTION_ENDS[event.type], event.timestamp
            part.error, part.cause = event.details.get("error"), event.details.get("cause")
            if event.type == "ExecutionFailed":
                # It failed because the states around this event did.
                for frame in place:
                    if frame.attempts:
                        frame.attempts[-1].fail(event)
            for attempt in self.attempts:
                attempt.close("FAIL" if attempt.kind == "Fail" else "ABORT", event.timestamp)


def _iteration(event: HistoryEvent, place: _Place) -> _Place:
    """Enter or leave an iteration of a map. One that is aborted aborts what is under way in it."""
    name, index = str(event.details.get("name")), event.details.get("index")
    if event.type == "MapIterationStarted":
        around = _innermost(place, lambda frame: frame.kind == "Map" and frame.name == name)
        frame = _Frame(name, "", [], index if isinstance(index, int) else None)
        return (*(place if around is None else place[: around + 1]), frame)
    at = _innermost(place, lambda frame: frame.iteration == index and frame.name == name)
    if at is None:
        return place
    _fail_inside(place[at + 1 :], event)
    if event.type == "MapIterationAborted":
        for frame in place[at + 1 :]:
            for attempt in frame.attempts[-1:]:
                attempt.close("ABORT", event.timestamp)
    return place[:at]


def _fail_inside(place: _Place, event: HistoryEvent) -> None:
    """Let Fail states fail: they say nothing when they are left."""
    for frame in place:
        if frame.kind == "Fail":
            frame.attempts[-1].fail(event)


def _innermost(place: _Place, fits: Callable[[_Frame], bool]) -> int | None:
    return next((at for at in reversed(range(len(place))) if fits(place[at])), None)
