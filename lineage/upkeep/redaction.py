"""Redaction of stored events: removes the parts that nobody may see any more. Jobs, runs and datasets stay as they are,
for no row is made of these parts."""

from connections.models import Connection
from connections.privacy import dropped
from lineage.events.privacy import DROPPED, cut
from lineage.models import Event
from lineage.upkeep.rebuild.copies import StoredEvent, pages_of_all


def redact_events(connection: Connection) -> tuple[int, int]:
    """Rewrite the stored events of a connection without the classes that nobody may see. Returns how many were read,
    and how many were rewritten. What it was interrupted in, the next call completes.

    A rewritten event keeps its id, so a copy of the whole one that is sent again is still a repeat.
    """
    classes = dropped(connection.audiences)
    read = rewritten = 0
    for page in pages_of_all(connection.pk):
        read += len(page)
        for stored in page:
            body = cut(stored.body, classes, DROPPED)
            if body != stored.body:
                _rewrite(connection, stored, body)
                rewritten += 1
    return read, rewritten


def _rewrite(connection: Connection, stored: StoredEvent, body: bytes) -> None:
    same = Event.objects.filter(connection_id=connection.pk, event_time=stored.event_time, id=stored.id)
    same.update(body=body.decode(), body_bytes=len(body))
