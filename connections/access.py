"""Rights on connections: what a person may do with one, and the writes that change it.

Three things count: administrators may do everything; a member's level; and with a connection that everybody sees, the
permissions of the person's role.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q

from audit.models import Verb
from audit.record import record
from connections.models import Connection, ConnectionAccess
from connections.privacy import Audience, PrivacyClass, hidden_from
from connections.querysets import Reader

Level = ConnectionAccess.Level
Visibility = Connection.Visibility


class Right(Enum):
    """Right on a connection. EDIT: to rename it, and to add and remove its routes."""

    EDIT = "edit"
    ADD_KEY = "add_key"
    DELETE_KEY = "delete_key"
    REMOVE = "remove"
    CHANGE_PRIVACY = "change_privacy"
    MANAGE_ACCESS = "manage_access"


# Right → least level of a member.
_LEAST_LEVEL: Final = {
    Right.EDIT: Level.EDIT,
    Right.ADD_KEY: Level.EDIT,
    Right.DELETE_KEY: Level.EDIT,
    Right.REMOVE: Level.ADMIN,
    Right.CHANGE_PRIVACY: Level.ADMIN,
    Right.MANAGE_ACCESS: Level.ADMIN,
}
# Right → permission of a role, which counts where everybody sees the connection. No role manages access.
_PERMISSION: Final = {
    Right.EDIT: "connections.change_connection",
    Right.ADD_KEY: "connections.add_apikey",
    Right.DELETE_KEY: "connections.delete_apikey",
    Right.REMOVE: "connections.delete_connection",
    Right.CHANGE_PRIVACY: "connections.change_privacy",
}
_LEVELS: Final = list(Level)


@dataclass(frozen=True, slots=True)
class Rights:
    """Rights of one person on one connection, for templates."""

    edit: bool = False
    add_key: bool = False
    delete_key: bool = False
    remove: bool = False
    change_privacy: bool = False
    manage_access: bool = False


def rights(
    *, visibility: str, levels: Collection[str], permissions: Collection[str], is_administrator: bool = False
) -> Rights:
    """Return what somebody may do, by the levels that they and their groups have, and the permissions of their role."""
    highest = max((_LEVELS.index(Level(level)) for level in levels), default=-1)
    by_role = permissions if visibility == Visibility.EVERYONE else ()

    def has(right: Right) -> bool:
        by_level = highest >= _LEVELS.index(_LEAST_LEVEL[right])
        return is_administrator or by_level or _PERMISSION.get(right) in by_role

    return Rights(**{right.value: has(right) for right in Right})


def rights_on(connections: Iterable[Connection], reader: Reader) -> dict[UUID, Rights]:
    """Return connection id → the rights of the reader. Takes one query for all of them, none for administrators."""
    of = list(connections)
    is_administrator = bool(getattr(reader, "is_superuser", False))
    levels = {} if is_administrator or not of else _levels([one.pk for one in of], reader)
    permissions = () if is_administrator else reader.get_all_permissions()  # type: ignore[union-attr]
    return {
        one.pk: rights(
            visibility=one.visibility,
            levels=levels.get(one.pk, ()),
            permissions=permissions,
            is_administrator=is_administrator,
        )
        for one in of
    }


def hidden_classes(connection: Connection, reader: Reader) -> frozenset[PrivacyClass]:
    """Return the classes of parts of the connection's events that `reader` may not see. Up to three queries."""
    found = rights_on([connection], reader)[connection.pk]
    sees = {
        Audience.EVERYONE: True,
        Audience.EDITORS: found.edit,
        # The connection's own count, too.
        Audience.ADMINISTRATORS: found.manage_access,
    }
    return hidden_from(connection.audiences, [audience for audience, is_in in sees.items() if is_in])


def may(reader: Reader, right: Right, connection: Connection) -> bool:
    return bool(getattr(rights_on([connection], reader)[connection.pk], right.value))


@transaction.atomic
def set_visibility(*, connection: Connection, visibility: str) -> None:
    """Raises Connection.DoesNotExist if somebody removed it meanwhile."""
    current = Connection.objects.lock(connection.pk)
    before, current.visibility = current.visibility, Visibility(visibility)
    if before != current.visibility:
        current.save(update_fields=["visibility"])
        record(Verb.CHANGED, current, {"visibility": (before, current.visibility.value)})


@transaction.atomic
def give_access(*, connection: Connection, member: User | Group, level: str) -> None:
    """Make a person or a group a member, or change their level. Raises Connection.DoesNotExist as above."""
    current = Connection.objects.lock(connection.pk)
    who = {"user": member} if isinstance(member, User) else {"group": member}
    access = ConnectionAccess.objects.filter(connection=current, **who).first()
    before = access.level if access else None
    access = access or ConnectionAccess(connection=current, **who)
    access.level = Level(level)
    access.save()
    if before != access.level:
        record(Verb.CHANGED if before else Verb.ADDED, access, {"level": (before, access.level.value)})


@transaction.atomic
def end_access(*, access: ConnectionAccess) -> None:
    """End a membership, if it is still there."""
    name = ConnectionAccess.objects.select_related("connection", "user", "group").filter(pk=access.pk).first()
    if name:
        record(Verb.REMOVED, name, {"level": (name.level, None)})
        name.delete()


def _levels(connection_ids: list[UUID], reader: Reader) -> dict[UUID, list[str]]:
    members = Q(user=reader.pk) | Q(group__user=reader.pk)
    found = ConnectionAccess.objects.filter(members, connection__in=connection_ids)
    levels: dict[UUID, list[str]] = {}
    for connection_id, level in found.values_list("connection_id", "level"):
        levels.setdefault(connection_id, []).append(level)
    return levels


def let_only_view(user: User) -> int:
    """Lower the levels of a person's own memberships, in a transaction of the caller. Returns how many were higher."""
    return ConnectionAccess.objects.filter(user=user).exclude(level=Level.VIEW).update(level=Level.VIEW)
