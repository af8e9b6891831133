"""What ended above a run that still seems to run: the rule alone, without the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

# A DAG run is three above a model that one of its tasks runs. Runs may name each other, so there is an end.
MOST_ANCESTORS: Final = 4


class Ancestor(NamedTuple):
    """A run above another one. `over_at`: when it ended, or when its next try began; None: neither happened.

    `is_endless`: its job streams or serves, and need never end.
    """

    connection_id: UUID
    id: UUID
    over_at: datetime | None
    last_event_at: datetime
    is_endless: bool


class Ended(NamedTuple):
    """An ancestor that is over."""

    connection_id: UUID
    id: UUID
    over_at: datetime


def ended_above(last_event_at: datetime, ancestors: Sequence[Ancestor]) -> Ended | None:
    """The nearest ancestor that is over, if neither the run nor one between sent anything after that.

    `ancestors`: the nearest first.
    """
    for ancestor in ancestors[:MOST_ANCESTORS]:
        if ancestor.over_at is not None:
            is_silent = ancestor.over_at >= last_event_at
            return Ended(ancestor.connection_id, ancestor.id, ancestor.over_at) if is_silent else None
        if ancestor.is_endless:
            return None
        last_event_at = max(last_event_at, ancestor.last_event_at)
    return None
