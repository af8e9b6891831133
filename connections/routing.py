"""Rules by which an event that came with a workspace key finds its connection. Pure: no Django, no database.

The event names its connection by the namespace of its job, which is compared exactly, case included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

# Characters of a namespace that a route can have: PostgreSQL's index holds 2,704 bytes at most.
MAX_NAMESPACE_LENGTH: Final = 500


class Unrouted(StrEnum):
    """Reasons for which an event has no connection."""

    NO_ROUTE = "no_route"
    REMOVED = "removed"  # the namespace's connection was removed
    OUT_OF_SCOPE = "out_of_scope"  # the key may not send to the namespace's connection
    NO_JOB = "no_job"  # an event without a job, and the key has no default connection
    LIMIT = "limit"  # events made as many connections as they may
    NAME = "name"  # no connection can be made with the namespace as its name


# For administrators. Senders do not learn which namespaces others have.
IN_WORDS: Final[Mapping[Unrouted, str]] = {
    Unrouted.NO_ROUTE: "No connection takes this namespace",
    Unrouted.REMOVED: "Its connection was removed",
    Unrouted.OUT_OF_SCOPE: "Its connection is not among those of the key",
    Unrouted.NO_JOB: "They name no namespace, and the key has no connection for them",
    Unrouted.LIMIT: "Events made as many connections as they may",
    Unrouted.NAME: "No connection can be made with this name, or another one has it",
}


class RouteFound(NamedTuple):
    """A stored route. `connection_id` is None if its connection was removed."""

    connection_id: UUID | None


@dataclass(frozen=True, slots=True)
class KeyRules:
    """Rules of a workspace key. `scope`: the connections that it may send to; None: all."""

    scope: frozenset[UUID] | None = None
    default_connection_id: UUID | None = None
    makes_connections: bool = False


class MakeConnection(NamedTuple):
    """The verdict that a connection is to be made for the namespace."""

    namespace: str


Verdict = UUID | MakeConnection | Unrouted


def route_of(namespace: str | None, routes: Mapping[str, RouteFound], rules: KeyRules) -> Verdict:
    """Find the connection of an event by its job's namespace. `namespace` is None for an event without a job.

    `routes` are the stored ones, by namespace. A connection out of the key's scope is never returned.
    """
    if namespace is None:
        return _in_scope(rules.default_connection_id, rules) if rules.default_connection_id else Unrouted.NO_JOB
    route = routes.get(namespace)
    if route is None:
        return MakeConnection(namespace) if rules.makes_connections else Unrouted.NO_ROUTE
    return _in_scope(route.connection_id, rules) if route.connection_id else Unrouted.REMOVED


def _in_scope(connection_id: UUID, rules: KeyRules) -> UUID | Unrouted:
    is_reached = rules.scope is None or connection_id in rules.scope
    return connection_id if is_reached else Unrouted.OUT_OF_SCOPE


class Made(NamedTuple):
    """Numbers of connections that events made: in the last hour, and in all, removed ones included."""

    last_hour: int
    in_all: int


MOST_MADE: Final = Made(last_hour=20, in_all=200)


def may_make_another(made: Made) -> bool:
    """Return whether an event may make a connection: the limits keep a sender of random namespaces from filling the
    list."""
    return made.last_hour < MOST_MADE.last_hour and made.in_all < MOST_MADE.in_all
