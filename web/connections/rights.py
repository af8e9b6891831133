"""Rights of the reader on connections, for views and templates."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from connections.access import Right, may, rights_on
from connections.models import Connection
from connections.querysets import Reader


def connection_to(right: Right, request: HttpRequest, connection_id: UUID) -> Connection:
    """Return a connection that the reader may change so. Raises Http404 if they may not see it, else
    PermissionDenied."""
    connection = get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)
    if not may(request.user, right, connection):
        raise PermissionDenied
    return connection


def with_rights(connections: Iterable[Connection], reader: Reader) -> None:
    """Give each connection its `rights`, which menus and buttons ask for."""
    of = list(connections)
    found = rights_on(of, reader)
    for connection in of:
        connection.rights = found[connection.pk]


@contextmanager
def gone_is_404() -> Iterator[None]:
    """Raise Http404 if somebody removed the connection meanwhile. Decorates views, too."""
    try:
        yield
    except Connection.DoesNotExist:
        raise Http404 from None
