"""Actor of the present action: the person of the request, or outside of requests the account that runs a command."""

import ipaddress
import os
import pwd
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from audit.models import Via

# The request that this thread answers.
current_request: Final[ContextVar[HttpRequest | None]] = ContextVar("current_request", default=None)
_VIA_BY_PATH: Final = {"/admin/": Via.ADMIN, "/api/": Via.API}


@dataclass(frozen=True, slots=True)
class Actor:
    """`name`: empty if nobody is signed in. `address`: of the client; None outside of requests, or if unknown."""

    name: str
    via: Via
    address: str | None = None


# Of what intake does by itself.
BY_EVENT: Final = Actor("", Via.EVENT)


def current_actor() -> Actor:
    request = current_request.get()
    if request is None:
        return Actor(_account_of_process(), Via.COMMAND)
    user = getattr(request, "user", None)
    return Actor(user.get_username() if user else "", via_of(request.path_info), _address_of(request))


def via_of(path: str) -> Via:
    return next((via for prefix, via in _VIA_BY_PATH.items() if path.startswith(prefix)), Via.PAGE)


def _address_of(request: HttpRequest) -> str | None:
    """Return the client's address. The server takes it from a proxy's header only if FORWARDED_ALLOW_IPS names it."""
    address = request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def _account_of_process() -> str:
    """Return the name of the operating system's account, or its number if it has no name, as in some containers."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
