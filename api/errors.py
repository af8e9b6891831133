"""Every error of the API in one shape: `{"error": {"code", "message", "detail"}}`."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from lineage.models import Run

logger = structlog.get_logger(__name__)


class Unavailable(exceptions.APIException):
    """The database is away or too busy. `wait` becomes `Retry-After`, in seconds."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database cannot be reached. Try again."
    default_code = "unavailable"
    wait = 1


class SeveralRunsFound(exceptions.APIException):
    """Several runs of one connection have the run id. `detail`: parameter → the values that choose one."""

    status_code = status.HTTP_300_MULTIPLE_CHOICES
    default_code = "several_runs"

    def __init__(self, runs: Sequence[Run]) -> None:
        super().__init__(f"{len(runs)} runs have this id. Choose one by `job`, and by `map_index` for a mapped task.")
        self.choices = {
            "job": list(dict.fromkeys(f"{run.job_id} {run.job.name}" for run in runs)),
            "map_index": sorted({str(run.map_index) for run in runs if run.map_index is not None}, key=int),
        }


def handle_exception(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a view. None: the exception is unexpected, and becomes the server's 500."""
    database_error = None
    if isinstance(exception, Http404):
        exception = exceptions.NotFound()
    elif isinstance(exception, DjangoPermissionDenied):
        exception = exceptions.PermissionDenied()
    elif isinstance(exception, SuspiciousOperation):
        exception = exceptions.ParseError(
            "The request has too many parameters, or ones that cannot be read.", "invalid"
        )
    elif isinstance(exception, OperationalError | InterfaceError):
        logger.warning("api_database_unavailable", error=str(exception))
        database_error, exception = exception, Unavailable()
    response = exception_handler(exception, context)
    if response is not None and isinstance(exception, exceptions.APIException):
        response.data = {"error": _error(exception)}
        response.database_error = database_error  # type: ignore[attr-defined]  # see server/lost_sessions.py
    return response


def _error(exception: exceptions.APIException) -> dict[str, Any]:
    """`detail` holds the messages for each wrong parameter; it is null where no parameter is to blame."""
    if isinstance(exception, SeveralRunsFound):
        return {"code": exception.default_code, "message": str(exception.detail), "detail": exception.choices}
    detail = exception.detail
    if not isinstance(exception, exceptions.ValidationError) or not isinstance(detail, dict):
        return {"code": str(exception.get_codes()), "message": str(detail), "detail": None}
    return {
        "code": "invalid",
        "message": f"Wrong query parameter: {', '.join(detail)}.",
        "detail": {name: [str(message) for message in messages] for name, messages in detail.items()},
    }
