"""Room on the interpreter's stack, so that no page is slow by chance.

CPython keeps the frames of Python's functions in chunks of 16 KiB. A call that does not fit into the
last one gets a new chunk from the system, and gives it back when it returns: 5 µs instead of 0.05. A loop at such a
depth pays this for each call. Templates are deep, so pages met it 1,500 times and took a fifth longer. The frame of
`with_room` is so large that its chunk has room for all that is called from it. Python 3.14 mended this: once it is
the oldest that we support, this module can go.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse

# Chunks double until the frame and 1,000 entries (of 8 bytes) fit: this much makes one of 256 KiB, half of it free. No
# entry of it is ever written to.
_ENTRIES = 15_400

P = ParamSpec("P")
R = TypeVar("R")


def with_room(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the function, with room for the frames of some two hundred calls inside each other."""
    return function(*args, **kwargs)


with_room.__code__ = with_room.__code__.replace(co_stacksize=_ENTRIES)


class RoomMiddleware:
    """Middleware that answers with room on the stack. What runs before it is not deep."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return with_room(self._get_response, request)
