"""Writes of workspace keys, and of what their events meet: connections that they make, namespaces that match none."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from audit.models import Verb
from audit.record import record
from connections.actions import DuplicateName, columns_of_key, create_connection, fit, touch_keys
from connections.keys import WORKSPACE_KEY_PREFIX, new_key
from connections.kinds import type_of_integration
from connections.models import MAX_TEXT_LENGTH, Connection, Route, UnmatchedNamespace, WorkspaceKey
from connections.pacing import Pace
from connections.route_reads import read_routes
from connections.routing import MAX_NAMESPACE_LENGTH, Unrouted, may_make_another
from connections.unique import save_unless_taken
from connections.vouchers import VoucherKind

UNMATCHED_KEPT: Final = 100
# Senders repeat a namespace with every event, and may make namespaces up.
_PACE_OF_NAMESPACE: Final = Pace(count=1, per=timedelta(seconds=10))
_PACE_OF_KEY: Final = Pace(count=5, per=timedelta(seconds=1))
_PACE_OF_REFUSALS: Final = Pace(count=1, per=timedelta(seconds=1))
# Number of the advisory lock; nothing else in the product uses it.
_MAKE_IN_TURN: Final = "SELECT pg_advisory_xact_lock(5230420)"


class DuplicateWorkspaceKeyName(Exception):
    """Another workspace key has this name, in whatever case. Its text is for the person who typed the name."""

    def __init__(self) -> None:
        super().__init__("There is a workspace key with this name already.")


@dataclass(frozen=True, slots=True)
class NewWorkspaceKey:
    """A key that was just made. Its text is nowhere else, and cannot be had again."""

    workspace_key: WorkspaceKey
    text: str = field(repr=False)


class Unmatched(NamedTuple):
    """An event that has no connection. `namespace` is None if it has no job."""

    namespace: str | None
    reason: Unrouted
    job_name: str = ""
    integration: str = ""


def create_workspace_key(
    *,
    name: str,
    chosen: Collection[Connection] | None = None,
    default_connection: Connection | None = None,
    unmatched: str = WorkspaceKey.Unmatched.REFUSE,
    expires_at: datetime | None = None,
    created_by: AbstractBaseUser | None,
    now: datetime,
) -> NewWorkspaceKey:
    """Make a key that may send to the `chosen` connections; None: to all, and to those that are added later.

    Raises DuplicateWorkspaceKeyName, ValidationError, and IntegrityError if a key of chosen connections makes others.
    """
    key = new_key(WORKSPACE_KEY_PREFIX)
    workspace_key = WorkspaceKey(
        **columns_of_key(key, name, created_by, now),
        scope=WorkspaceKey.Scope.ALL if chosen is None else WorkspaceKey.Scope.CHOSEN,
        default_connection=default_connection,
        unmatched=unmatched,
        expires_at=expires_at,
    )
    workspace_key.clean_fields()
    with transaction.atomic():
        save_unless_taken(workspace_key, "workspace_key_name_unique", DuplicateWorkspaceKeyName)
        workspace_key.connections.set(chosen or ())
        record(Verb.ADDED, workspace_key, {"sends to": (None, workspace_key.get_scope_display())})
    return NewWorkspaceKey(workspace_key, key.text)


@transaction.atomic
def delete_workspace_key(*, workspace_key: WorkspaceKey) -> None:
    """Delete a key, if it is still there. From this commit on every process refuses it."""
    for current in WorkspaceKey.objects.select_for_update().filter(pk=workspace_key.pk):
        record(Verb.REMOVED, current)
        current.delete()


@transaction.atomic
def make_connection_of_event(*, namespace: str, integration: str, now: datetime) -> UUID | Unrouted:
    """Make the connection of a namespace that has none, and return its id; or the reason for which there is none.

    Processes take turns, so that a namespace gets one connection, and the limits of connections/routing.py hold.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_IN_TURN)
    if route := read_routes([namespace]).get(namespace):
        return route.connection_id or Unrouted.REMOVED
    if not may_make_another(Route.objects.made_by_events(now=now)):
        return Unrouted.LIMIT
    try:
        made = create_connection(
            name=namespace,
            type=type_of_integration(integration),
            created_by=None,
            now=now,
            namespace=namespace,
            made_by_event=True,
        )
    except (DuplicateName, ValidationError):
        return Unrouted.NAME
    return made.id


def note_unmatched(*, key_id: UUID, unmatched: Iterable[Unmatched], now: datetime) -> None:
    """Note namespaces whose events were refused, for administrators, and that the key was used.

    Drops what comes faster than is worth reading, and forgets the oldest beyond UNMATCHED_KEPT.
    """
    rows = {one.namespace or "": one for one in unmatched}
    due = [
        _row(key_id, one, now)
        for namespace, one in sorted(rows.items())
        if _PACE_OF_NAMESPACE.allows((key_id, namespace), now) and _PACE_OF_KEY.allows(key_id, now)
    ]
    if not due:
        return
    touch_keys(kind=VoucherKind.WORKSPACE_KEY, key_ids=[key_id], now=now)
    try:
        with transaction.atomic():
            UnmatchedNamespace.objects.bulk_create(
                due,
                update_conflicts=True,
                unique_fields=["workspace_key", "namespace"],
                update_fields=["reason", "job_name", "type", "last_at"],
            )
            of_key = UnmatchedNamespace.objects.filter(workspace_key_id=key_id)
            of_key.exclude(pk__in=of_key.newest(UNMATCHED_KEPT).values("pk")).delete()
    except IntegrityError:
        # Somebody deleted the key meanwhile.
        return


def _row(key_id: UUID, one: Unmatched, now: datetime) -> UnmatchedNamespace:
    return UnmatchedNamespace(
        workspace_key_id=key_id,
        namespace=fit(MAX_NAMESPACE_LENGTH, one.namespace or ""),
        reason=one.reason.value,
        job_name=fit(MAX_TEXT_LENGTH, one.job_name),
        type=type_of_integration(one.integration),
        last_at=now,
    )


def note_refusal(*, key_id: UUID, at: datetime, status: int, reason: str, code: str) -> None:
    """Note the newest refused request of a key that concerned no connection. At most one a second and key."""
    if _PACE_OF_REFUSALS.allows(key_id, at):
        WorkspaceKey.objects.filter(pk=key_id).update(
            refused_at=at, refused_status=status, refused_reason=fit(MAX_TEXT_LENGTH, reason), refused_code=code
        )
