"""Middleware that lets actions know on whose behalf they are done."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.actor import current_request


class ActorMiddleware:
    """Makes the request known to `current_actor` until it is answered. Stands behind the one that reads the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = current_request.set(request)
        try:
            return self._get_response(request)
        finally:
            current_request.reset(token)
