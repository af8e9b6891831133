"""Problems of connections: they are silent for longer than usual, or their last request was refused."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from connections.models import Connection
from connections.querysets import Reader
from lineage.database.reading import read_rows
from lineage.models import Activity
from lineage.now.problems import ProblemKind
from lineage.overview import rhythm

_REFUSED: Final = """
SELECT newest.connection_id, newest.reason, newest.status, newest.job_name, refused.since, refused.count
FROM unnest(%(connections)s::uuid[]) AS wanted (connection_id)
CROSS JOIN LATERAL (
    SELECT * FROM connections_attempt AS one
    WHERE one.connection_id = wanted.connection_id AND one.outcome <> 'test'
    ORDER BY one.at DESC, one.id DESC LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    SELECT min(one.at) AS since, count(*) FROM connections_attempt AS one
    WHERE one.connection_id = wanted.connection_id AND one.outcome = 'rejected' AND one.at > COALESCE((
        SELECT max(good.at) FROM connections_attempt AS good
        WHERE good.connection_id = wanted.connection_id AND good.outcome IN ('stored', 'repeat')
    ), '-infinity')
) AS refused
WHERE newest.outcome = 'rejected'
"""


class ConnectionProblem(NamedTuple):
    """Problem of a connection, in words. `since`: None if unknown."""

    kind: ProblemKind
    connection_id: UUID
    reason: str
    since: datetime | None


class Sender(NamedTuple):
    """Connection that the reader sees. `activity`: None before its first event."""

    connection: Connection
    activity: Activity | None


def read_senders(reader: Reader) -> list[Sender]:
    """Read the connections that the reader sees, by name. One query."""
    found = Connection.objects.visible(reader).select_related("activity").order_by("name")
    return [Sender(connection, getattr(connection, "activity", None)) for connection in found]


def connection_problems(senders: Sequence[Sender], *, now: datetime) -> list[ConnectionProblem]:
    """Return the silent connections, then those that refused the last request. Two queries at most."""
    return [*_silent(senders, now=now), *_refused([sender.connection.pk for sender in senders])]


def _silent(senders: Sequence[Sender], *, now: datetime) -> list[ConnectionProblem]:
    last_events = {sender.connection.pk: sender.activity.last_event_at for sender in senders if sender.activity}
    quiet = [id_ for id_, at in last_events.items() if now - at >= rhythm.LEAST_SILENCE]
    pauses = rhythm.usual_pauses(quiet, until=now)
    silences = {id_: rhythm.unusual_silence(now - last_events[id_], pauses.get(id_)) for id_ in quiet}
    return [
        ConnectionProblem(ProblemKind.SILENT, id_, words, last_events[id_]) for id_, words in silences.items() if words
    ]


def _refused(connections: Collection[UUID]) -> list[ConnectionProblem]:
    rows = read_rows(_REFUSED, {"connections": list(connections)}) if connections else []
    return [
        ConnectionProblem(ProblemKind.REFUSED, id_, _refusal(reason, status, job, count), since)
        for id_, reason, status, job, since, count in rows
    ]


def _refusal(reason: str, status: int, job: str, count: int) -> str:
    about = f" (job {job})" if job else ""
    times = f"; the last {count} requests were refused" if count > 1 else ""
    return f"{reason or f'HTTP {status}'}{about}{times}"
