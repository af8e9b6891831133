"""Reads survive a restart of PostgreSQL, which ends all sessions of the pool at once.

Intake sees to itself. A page or an answer of the read API would be 503 once for each session that its process had
opened before, long after PostgreSQL serves again.
"""

from collections.abc import Callable
from typing import Final

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from lineage.database.metrics import Failure
from lineage.database.sessions import kind_of, replace_ended_sessions

_READS: Final = frozenset({"GET", "HEAD"})
Answer = Callable[[HttpRequest], HttpResponse]


class RepeatedReads:
    """Middleware that answers a read once more, in a new session, if its session turned out to be lost.

    The error is what a response with status 503 says in its attribute `database_error`.
    """

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        error: Exception | None = getattr(response, "database_error", None)
        if error is None or request.method not in _READS or connection.in_atomic_block or not _is_lost(error):
            return response
        try:
            replace_ended_sessions()
        except (OperationalError, InterfaceError):
            return response
        return self._get_response(request)


def _is_lost(error: Exception) -> bool:
    return kind_of(error) == Failure.LOST
