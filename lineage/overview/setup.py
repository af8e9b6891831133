"""State of a connection's set-up, derived from rows each time it is shown, and stored nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from connections.models import Attempt, Connection, WorkspaceKey

# Without an event for so long after it was added, a connection needs more than patience.
OVERDUE_AFTER: Final = timedelta(hours=24)


class SetupStep(StrEnum):
    """Steps of a set-up, in their order. The first event ends it. FETCHING: it needs no sender, and so no key."""

    NO_KEY = "no_key"
    FETCHING = "fetching"
    WAITING = "waiting"
    REFUSED = "refused"
    ONLY_REPEATS = "only_repeats"
    FIRST_EVENT = "first_event"


@dataclass(frozen=True, slots=True)
class SetupState:
    """`refused`: the newest request, if it was refused, at any step. `is_overdue`: no event for OVERDUE_AFTER.
    `takes_workspace_keys`: it has no key of its own, and a workspace key may send to it."""

    step: SetupStep
    refused: Attempt | None
    is_overdue: bool
    takes_workspace_keys: bool

    @property
    def has_key(self) -> bool:
        return self.step not in (SetupStep.NO_KEY, SetupStep.FETCHING)

    @property
    def is_complete(self) -> bool:
        return self.step is SetupStep.FIRST_EVENT


def read_setup(connection: Connection, *, now: datetime, fetches: bool = False) -> SetupState:
    """Read the state of a connection without an event. Four queries at most. `fetches`: see `setup_state`."""
    has_key = connection.api_keys.exists()
    return setup_state(
        connection.attempts.sent().newest(1),
        has_key=has_key,
        fetches=fetches,
        takes_workspace_keys=not has_key and not fetches and is_reached(connection),
        is_connected=False,
        added_at=connection.created_at,
        now=now,
    )


def is_reached(connection: Connection) -> bool:
    """Tell whether a workspace key may send to the connection. Two queries at most."""
    return bool(WorkspaceKey.objects.reached([connection.pk]))


def setup_state(
    attempts: Iterable[Attempt],
    *,
    has_key: bool,
    is_connected: bool,
    added_at: datetime,
    now: datetime,
    takes_workspace_keys: bool = False,
    fetches: bool = False,
) -> SetupState:
    """Derive the state. `attempts`: the newest first; tests that people made count for nothing. `fetches`: its runs are
    fetched, whether or not somebody sends, too."""
    newest = next((attempt for attempt in attempts if attempt.outcome != Attempt.Outcome.TEST), None)
    refused = newest if newest and newest.outcome == Attempt.Outcome.REJECTED else None
    if is_connected:
        step = SetupStep.FIRST_EVENT
    elif fetches:
        step = SetupStep.FETCHING
    elif not has_key:
        step = SetupStep.NO_KEY
    elif newest is None:
        step = SetupStep.WAITING
    elif refused:
        step = SetupStep.REFUSED
    else:
        step = SetupStep.ONLY_REPEATS if newest.outcome == Attempt.Outcome.REPEAT else SetupStep.WAITING
    is_overdue = not is_connected and not fetches and now - added_at >= OVERDUE_AFTER
    return SetupState(step, refused, is_overdue, takes_workspace_keys)
