"""What ended without a run that is lost, as lineage/models/shown_state_sql.py decides it."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from lineage.database.prepared import prepared
from lineage.models import shown_state_sql as shown_states

_ASK: Final = f"""
SELECT above.* FROM lineage_run AS run, {shown_states.ended_above("run")} AS above
WHERE run.connection_id = %s AND run.id = %s AND above.over_at IS NOT NULL
"""  # noqa: S608 - made of constants


class EndedAbove(NamedTuple):
    """A run above another one. `over_at`: when it ended, or was tried again."""

    connection_id: UUID
    id: UUID
    over_at: datetime


def ended_above(connection_id: UUID, run_id: UUID) -> EndedAbove | None:
    """One query."""
    with prepared(), connection.cursor() as cursor:
        cursor.execute(_ASK, [connection_id, run_id])
        row = cursor.fetchone()
    return EndedAbove(*row) if row else None
