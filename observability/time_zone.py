"""Middleware: pages are made, and their forms are read, by the clock of the reader. The API's is UTC."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from observability.errors import is_program
from web.components.time_zones import zone_of


class ReadersTimeZone:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_program(request):
            return self.get_response(request)
        with timezone.override(zone_of(request)):
            return self.get_response(request)
