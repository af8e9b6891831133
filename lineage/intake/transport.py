"""Transport of a request: TLS, or plain HTTP, over which anybody on the way could read the key and the event.

The server says which: from the connection, or from X-Forwarded-Proto if the connection comes from a proxy that
FORWARDED_ALLOW_IPS names. Pages go by the server, too (request.is_secure()), and read the header as little.
"""

from ipaddress import ip_address

from django.conf import settings


def is_exposed(*, scheme: str, forwarded_proto: str | None, client: str | None) -> bool:
    """Return whether a request came over plain HTTP although the product is served over TLS.

    A client on this machine (`client`: its address; None: it came over a Unix socket) is no exposure, unless a proxy
    forwarded the request (`forwarded_proto`: the proxy's header, whatever it says; `scheme` has what counts of it).
    """
    if not settings.SERVED_OVER_TLS or scheme == "https":
        return False
    return forwarded_proto is not None or not _is_of_this_machine(client)


def _is_of_this_machine(client: str | None) -> bool:
    try:
        return not client or ip_address(client).is_loopback
    except ValueError:
        return False
