"""Checks in the transaction that stores events that what is to be dropped of them is as the process knows it."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.db import connection

from connections.privacy import NOTHING, Audience, PrivacyClass
from lineage.database.execute import execute_rows

# Names of the classes that nobody may see, sorted, with commas between them. Empty for nearly all connections.
_DROPPED: Final = f"""
COALESCE((
    SELECT string_agg(chosen.key, ',' ORDER BY chosen.key COLLATE "C")
    FROM jsonb_each_text(connection.who_sees) AS chosen WHERE chosen.value = '{Audience.NOBODY}'
), '')
"""  # noqa: S608 - made of constants
_REQUIRE: Final = f"""
SELECT require(NOT EXISTS (
    SELECT FROM unnest($1::uuid[], $2::text[]) AS given (id, dropped)
    JOIN connections_connection AS connection ON connection.id = given.id
    WHERE {_DROPPED} <> given.dropped
))
""".encode()  # noqa: S608 - made of constants
_READ: Final = f"""
SELECT connection.id, {_DROPPED} FROM connections_connection AS connection WHERE connection.id = ANY(%s)
"""  # noqa: S608 - made of constants


def require_dropped(known: Mapping[UUID, frozenset[PrivacyClass]]) -> None:
    """Fails with the SQLSTATE PRECONDITION_FAILED unless exactly these classes are dropped from the events of these
    connections."""
    execute_rows(_REQUIRE, ("uuid", "text"), [(id_, ",".join(sorted(classes))) for id_, classes in known.items()])


def read_dropped(connection_ids: Iterable[UUID]) -> dict[UUID, frozenset[PrivacyClass]]:
    """Read which classes are dropped from new events of these connections. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(connection_ids)])
        return {id_: frozenset(map(PrivacyClass, names.split(","))) if names else NOTHING for id_, names in cursor}
