"""Reads of what the rules of routing need, once or twice for each request with a workspace key.

Written by hand and prepared: Django takes 1 ms to build each of these statements, and PostgreSQL 0.1 ms to answer.
"""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection

from connections.routing import MAX_NAMESPACE_LENGTH, KeyRules, RouteFound

# Parameter: the id of a workspace key. No row if it was deleted or has expired.
_RULES: Final = b"""
    SELECT default_connection.id, workspace_key.unmatched = 'create',
        CASE WHEN workspace_key.scope <> 'all' THEN ARRAY(
            SELECT chosen.connection_id FROM connections_workspacekey_connections chosen
            WHERE chosen.workspacekey_id = workspace_key.id
        ) END
    FROM connections_workspacekey workspace_key
    LEFT JOIN connections_connection default_connection
        ON default_connection.id = workspace_key.default_connection_id AND default_connection.removed_at IS NULL
    WHERE workspace_key.id = $1 AND (workspace_key.expires_at IS NULL OR workspace_key.expires_at > now())
"""
# Parameter: an array of namespaces. No connection if it was removed, also by a process of the version before routes.
_ROUTES: Final = b"""
    SELECT route.namespace, connection.id
    FROM connections_route route
    LEFT JOIN connections_connection connection
        ON connection.id = route.connection_id AND connection.removed_at IS NULL
    WHERE route.namespace = ANY($1::text[])
"""


def read_rules(key_id: UUID) -> KeyRules | None:
    """Read the rules of a workspace key; None if it was deleted or has expired. Raises Django's database errors."""
    rows = _read(_RULES, key_id)
    if not rows:
        return None
    [(default_connection_id, makes_connections, chosen)] = rows
    return KeyRules(None if chosen is None else frozenset(chosen), default_connection_id, makes_connections)


def read_routes(namespaces: Iterable[str]) -> dict[str, RouteFound]:
    """Read the stored routes of these namespaces. Raises Django's database errors."""
    storable = [namespace for namespace in namespaces if len(namespace) <= MAX_NAMESPACE_LENGTH]
    return {namespace: RouteFound(id_) for namespace, id_ in _read(_ROUTES, storable)}


def _read(statement: bytes, parameter: Any) -> list[Any]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return psycopg.RawCursor(connection.connection).execute(statement, [parameter], prepare=True).fetchall()
