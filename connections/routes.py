"""Writes of routes: which connection takes the events of a namespace that come with workspace keys.

Each is called inside a transaction that holds the connection, but for `add_route` and `remove_route`. If the connection
of a namespace changes, that transaction records it.
"""

from datetime import datetime

from django.db import transaction

from audit.actor import BY_EVENT
from audit.models import Verb
from audit.record import record
from connections.models import Connection, Route, UnmatchedNamespace


class RouteTaken(Exception):
    """Another connection takes this namespace. Its text is for the person who typed it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(f"{connection.name} takes the events of this namespace already.")
        self.connection_id = connection.pk


def claim_route(*, connection: Connection, namespace: str, now: datetime, made_by_event: bool = False) -> Route:
    """Give a namespace to a connection, unless a live one has it. Returns the route, whosever it is now.

    The namespace of a removed connection goes to the one that a person makes or names for it.
    """
    new = {"connection": connection, "created_at": now, "made_by_event": made_by_event}
    route, is_new = Route.objects.select_for_update().get_or_create(namespace=namespace, defaults=new)
    if not is_new and route.connection_id is None:
        route.connection, is_new = connection, True
        route.save(update_fields=["connection"])
    if is_new:
        actor = BY_EVENT if made_by_event else None
        record(Verb.ADDED, route, {"connection": (None, connection.name)}, actor=actor)
    if route.connection_id == connection.pk:
        UnmatchedNamespace.objects.filter(namespace=namespace).delete()
    return route


def bury_routes(*, connection: Connection) -> None:
    """Keep the namespaces of a connection that ends: no event makes a connection of them again."""
    routes = Route.objects.filter(connection=connection)
    for route in routes.select_for_update().order_by("pk"):
        record(Verb.REMOVED, route, {"connection": (connection.name, None)})
    routes.update(connection=None)


@transaction.atomic
def add_route(*, connection: Connection, namespace: str, now: datetime) -> Route:
    """Raises RouteTaken, ValidationError, and Connection.DoesNotExist if somebody removed the connection meanwhile."""
    current = Connection.objects.lock(connection.pk)
    Route(namespace=namespace, connection=current, created_at=now).clean_fields()
    route = claim_route(connection=current, namespace=namespace, now=now)
    if route.connection_id != current.pk:
        assert route.connection is not None  # noqa: S101 - a route without a connection was claimed
        raise RouteTaken(route.connection)
    return route


@transaction.atomic
def remove_route(*, connection: Connection, route_id: int) -> None:
    """Let a connection take the events of a namespace no more, if it still does."""
    for route in Route.objects.select_for_update().filter(connection=connection, pk=route_id):
        record(Verb.REMOVED, route, {"connection": (connection.name, None)})
        route.delete()
