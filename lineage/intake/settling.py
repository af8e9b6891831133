"""Settles runs that a commit marked, after its sender was answered: a failure there is no failure of the intake."""

from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from lineage.database.sessions import count_error, replace_ended_sessions, survive_lost_session, what_happened
from lineage.states.settle import SLICE, settle_slice

log = structlog.get_logger(__name__)


def settle_marked(connection_id: UUID) -> bool:
    """Settles marked runs of a connection. Returns True if there may be more. Logs a failure; the marks stay then."""
    try:
        settled = survive_lost_session(lambda: settle_slice(connection_id, now=timezone.now()))
    except (DatabaseError, InterfaceError) as error:
        count_error(error)
        log.warning("settling_failed", connection_id=str(connection_id), error=what_happened(error))
        if not connection.in_atomic_block:
            _replace_sessions()
        return False
    return settled.marks >= SLICE or settled.to_follow > 0


def _replace_sessions() -> None:
    try:
        replace_ended_sessions()
    except (DatabaseError, InterfaceError) as error:
        log.warning("recovery_failed", error=what_happened(error))
