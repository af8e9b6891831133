"""Rule that finds a finished ancestor of a run that still seems to run. Pure: no database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

# Between a model and the DAG run whose task runs it there are three steps. Runs may name each other, hence the limit.
MOST_ANCESTORS: Final = 4


class Ancestor(NamedTuple):
    """Ancestor of a run. `finished_at`: its end, or the start of its next try; None if it is not finished.

    `is_endless`: its job streams or serves, and may run for ever.
    """

    connection_id: UUID
    id: UUID
    finished_at: datetime | None
    silent_since: datetime
    is_endless: bool


class FinishedAncestor(NamedTuple):
    """Ancestor that is finished."""

    connection_id: UUID
    id: UUID
    finished_at: datetime


def finished_ancestor(silent_since: datetime, ancestors: Sequence[Ancestor]) -> FinishedAncestor | None:
    """Return the nearest finished ancestor, if neither the run nor an ancestor between them sent an event after it
    finished.

    `ancestors`: the nearest first.
    """
    for ancestor in ancestors[:MOST_ANCESTORS]:
        if ancestor.finished_at is not None:
            is_silent = ancestor.finished_at >= silent_since
            return FinishedAncestor(ancestor.connection_id, ancestor.id, ancestor.finished_at) if is_silent else None
        if ancestor.is_endless:
            return None
        silent_since = max(silent_since, ancestor.silent_since)
    return None
