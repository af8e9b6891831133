"""Stores what was fetched, by the way of all events: decode, digest, settle."""

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from django.utils import timezone

from connections.vouchers import Voucher
from lineage.database.sessions import survive_lost_session
from lineage.digest.digest import Submission
from lineage.events import Event, InvalidEvent, decode_event
from lineage.intake.commit import Committed, commit
from lineage.intake.settling import settle_marked

_CHUNK: Final = 500
# Other transactions hold a row for some milliseconds; a removal of a connection for seconds.
_TURNS: Final = 20
_PAUSE_SECONDS: Final = 0.25


class SourceGone(Exception):
    """The source or its connection was removed: nothing more is stored."""


class RowsLocked(Exception):
    """Another transaction keeps rows locked for too long. What is left is fetched again next time."""


class Stored(NamedTuple):
    """`sent` events, of which `new` were not stored before; and those that cannot be stored: words → number."""

    sent: int
    new: int
    problems: Counter[str]


def store(voucher: Voucher, bodies: Sequence[bytes]) -> Stored:
    """Store events durably, and settle the states of their runs. Raises SourceGone, RowsLocked and database errors."""
    problems: Counter[str] = Counter()
    events = [event for body in bodies if (event := _decoded(body, problems))]
    new = 0
    for start in range(0, len(events), _CHUNK):
        committed = _commit(Submission(voucher, events[start : start + _CHUNK]))
        new += committed.stored
        if committed.unstorable:
            problems["The database cannot hold it"] += len(committed.unstorable)
        if not committed.is_settled:
            while settle_marked(voucher.connection_id):
                pass
    return Stored(len(events), new, problems)


def _decoded(body: bytes, problems: Counter[str]) -> Event | None:
    try:
        return decode_event(body)
    except InvalidEvent as error:
        problems[f"Not understood: {error}"] += 1
        return None


def _commit(submission: Submission) -> Committed:
    for _ in range(_TURNS):
        [committed] = survive_lost_session(partial(commit, [submission], now=timezone.now()))
        if not committed.accepted:
            raise SourceGone
        if not committed.waits:
            return committed
        time.sleep(_PAUSE_SECONDS)
    raise RowsLocked
