"""Events that came with a workspace key, sorted out by connection: the namespaces of their jobs name it.

The rules are in connections/routing.py. They are read from the database for each request, so a key that was deleted, a
scope or a route that was changed holds from then on; the commit checks the key and its scope once more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from connections.route_reads import read_routes, read_rules
from connections.routing import MOST_MADE, KeyRules, MakeConnection, RouteFound, Unrouted, route_of
from connections.verification import VerifiedWorkspaceKey
from connections.workspace_keys import Unmatched, make_connection_of_event, note_unmatched
from lineage.digest.digest import Submission
from lineage.events import Event, InvalidEvent
from lineage.intake.commit import Committed

# Characters of a namespace that an answer repeats.
_MOST_REPEATED: Final = 200

Namespace: TypeAlias = str | None


class Unroutable(ValueError):
    """No connection takes the event. Its text is for the sender, who does not learn which namespaces others have."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__(
            "The event has no job, and the workspace key no connection for such events"
            if namespace is None
            else f"No connection takes events of the namespace {namespace[:_MOST_REPEATED]!r} from this workspace key"
        )


Sorted: TypeAlias = Event | InvalidEvent | Unroutable


@dataclass(slots=True)
class Routed:
    """Events by connection. `positions`: of each submission's events, among all that have a connection."""

    events: list[Sorted]
    submissions: list[Submission] = field(default_factory=list)
    positions: list[list[int]] = field(default_factory=list)

    @property
    def unroutable(self) -> list[Unroutable]:
        return [event for event in self.events if isinstance(event, Unroutable)]

    def merge(self, committed: Sequence[Committed]) -> Committed:
        """Merge the results of the submissions into one, as if their events had come as one."""
        return Committed(
            accepted=all(its.accepted for its in committed),
            stored=sum(its.stored for its in committed),
            unstorable=frozenset(
                positions[position]
                for its, positions in zip(committed, self.positions, strict=True)
                for position in its.unstorable
            ),
            waits=any(its.waits for its in committed),
        )


def route(key: VerifiedWorkspaceKey, decoded: Sequence[Event | InvalidEvent], *, now: datetime) -> Routed | None:
    """Find the connection of each event, and note the namespaces that have none. Returns None if the key has ended.

    Makes connections where the key does that. Raises the database's errors.
    """
    rules = read_rules(key.key_id)
    if rules is None:
        return None
    first: dict[Namespace, Event] = {}
    for event in decoded:
        if isinstance(event, Event):
            first.setdefault(namespace_of(event), event)
    routes = read_routes(namespace for namespace in first if namespace is not None)
    verdicts = _verdicts(first, routes, rules, now)
    note_unmatched(key_id=key.key_id, unmatched=_unmatched(first, verdicts), now=now)
    return sort_out(decoded, verdicts, key)


def namespace_of(event: Event) -> Namespace:
    """The namespace of the event's job; None for a DatasetEvent."""
    return event.job.namespace if event.job else None


def sort_out(
    decoded: Iterable[Event | InvalidEvent], verdicts: Mapping[Namespace, UUID | Unrouted], key: VerifiedWorkspaceKey
) -> Routed:
    """Group events by their connections, in their order. Pure."""
    routed = Routed([])
    by_connection: dict[UUID, tuple[list[Event], list[int]]] = {}
    position = 0
    for event in decoded:
        if isinstance(event, InvalidEvent):
            routed.events.append(event)
            continue
        verdict = verdicts[namespace := namespace_of(event)]
        if isinstance(verdict, Unrouted):
            routed.events.append(Unroutable(namespace))
            continue
        routed.events.append(event)
        events, positions = by_connection.setdefault(verdict, ([], []))
        events.append(event)
        positions.append(position)
        position += 1
    for connection_id, (events, positions) in by_connection.items():
        routed.submissions.append(Submission(key.voucher_for(connection_id), events))
        routed.positions.append(positions)
    return routed


def _verdicts(
    first: Mapping[Namespace, Event], routes: Mapping[str, RouteFound], rules: KeyRules, now: datetime
) -> dict[Namespace, UUID | Unrouted]:
    """Find the connection of each namespace. A request tries to make no more connections than events may in an hour."""
    verdicts: dict[Namespace, UUID | Unrouted] = {}
    tries = 0
    for namespace, event in first.items():
        verdict = route_of(namespace, routes, rules)
        if isinstance(verdict, MakeConnection):
            tries += 1
            verdict = _make(verdict, event, now) if tries <= MOST_MADE.last_hour else Unrouted.LIMIT
        verdicts[namespace] = verdict
    return verdicts


def _make(verdict: MakeConnection, event: Event, now: datetime) -> UUID | Unrouted:
    integration = event.job.integration if event.job else ""
    return make_connection_of_event(namespace=verdict.namespace, integration=integration, now=now)


def _unmatched(first: Mapping[Namespace, Event], verdicts: Mapping[Namespace, UUID | Unrouted]) -> list[Unmatched]:
    unmatched = []
    for namespace, verdict in verdicts.items():
        if isinstance(verdict, Unrouted):
            job = first[namespace].job
            names = (job.name, job.integration) if job else ("", "")
            unmatched.append(Unmatched(namespace, verdict, *names))
    return unmatched
