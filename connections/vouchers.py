"""Vouchers: what answers for a submission, and for which connection. The commit of the submission checks it.

A new kind of voucher is a member of VoucherKind with its statement in _LIVE. What commits submissions needs no change.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import psycopg
from django.db import transaction

# The SQLSTATE of the function `require` (connections/migrations/0003): a precondition of the transaction does not hold.
PRECONDITION_FAILED: Final = "OB001"


class VoucherKind(StrEnum):
    API_KEY = "api_key"
    WORKSPACE_KEY = "workspace_key"
    PULL_SOURCE = "pull_source"


@dataclass(frozen=True, slots=True)
class Voucher:
    """`id` is that of the kind's own row."""

    kind: VoucherKind
    id: UUID
    connection_id: UUID


# Selects the live vouchers of a kind (id, connection id) among the given ones. Parameters: arrays of their ids and of
# their connections' ids. Each statement locks the connections FOR KEY SHARE until the transaction ends: events are
# committed before a removal that comes meanwhile, or not at all. These locks do not wait for one another, nor for a
# rename. (Django's select_for_update knows FOR NO KEY UPDATE at the least, which would let in one writer at a time.)
_LIVE: Final[Mapping[VoucherKind, str]] = {
    VoucherKind.API_KEY: """
        SELECT api_key.id, api_key.connection_id FROM unnest($1::uuid[], $2::uuid[]) AS given (id, connection_id)
        JOIN connections_apikey api_key ON api_key.id = given.id AND api_key.connection_id = given.connection_id
        JOIN connections_connection connection ON connection.id = api_key.connection_id
        WHERE connection.removed_at IS NULL
        FOR KEY SHARE OF connection
    """,
    # The key may send to the connection. (Which of them a namespace names is read before: connections/routing.py.)
    VoucherKind.WORKSPACE_KEY: """
        SELECT workspace_key.id, connection.id FROM unnest($1::uuid[], $2::uuid[]) AS given (id, connection_id)
        JOIN connections_workspacekey workspace_key ON workspace_key.id = given.id
        JOIN connections_connection connection ON connection.id = given.connection_id
        WHERE connection.removed_at IS NULL
        AND (workspace_key.expires_at IS NULL OR workspace_key.expires_at > now())
        AND (workspace_key.scope = 'all' OR EXISTS (
            SELECT FROM connections_workspacekey_connections chosen
            WHERE chosen.workspacekey_id = given.id AND chosen.connection_id = given.connection_id
        ))
        FOR KEY SHARE OF connection
    """,
    # The table is of the room `pull`, which stands above this one.
    VoucherKind.PULL_SOURCE: """
        SELECT source.id, source.connection_id FROM unnest($1::uuid[], $2::uuid[]) AS given (id, connection_id)
        JOIN pull_pullsource source ON source.id = given.id AND source.connection_id = given.connection_id
        JOIN connections_connection connection ON connection.id = source.connection_id
        WHERE connection.removed_at IS NULL
        FOR KEY SHARE OF connection
    """,
}
# Fails with PRECONDITION_FAILED unless all given vouchers of the kind are live. For a pipeline that is a transaction of
# its own. Parameters as above.
REQUIRE_LIVE: Final[Mapping[VoucherKind, bytes]] = {
    kind: f"SELECT require(count(*) = cardinality($1::uuid[])) FROM ({live}) AS live".encode()  # noqa: S608
    for kind, live in _LIVE.items()
}


def by_kind(vouchers: Iterable[Voucher]) -> dict[VoucherKind, set[tuple[UUID, UUID]]]:
    """Group vouchers for the statements of their kinds: kind → (id, connection id)."""
    groups: dict[VoucherKind, set[tuple[UUID, UUID]]] = defaultdict(set)
    for voucher in vouchers:
        groups[voucher.kind].add((voucher.id, voucher.connection_id))
    return groups


def lock_live(vouchers: Iterable[Voucher]) -> set[Voucher]:
    """Return the vouchers that are live, and lock their connections until the transaction ends (see _LIVE).

    Raises TransactionManagementError outside a transaction, where the locks would protect nothing.
    """
    session = transaction.get_connection()
    if not session.in_atomic_block:
        raise transaction.TransactionManagementError("lock_live protects nothing outside a transaction")
    live: set[Voucher] = set()
    with session.wrap_database_errors:
        for kind, keys in by_kind(vouchers).items():
            columns = [list(column) for column in zip(*keys, strict=True)]
            found = psycopg.RawCursor(session.connection).execute(_LIVE[kind].encode(), columns, prepare=True)
            live.update(Voucher(kind, id_, connection_id) for id_, connection_id in found)
    return live
