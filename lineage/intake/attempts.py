"""Writes down how requests ended: a connection's last attempts, and when a key was last used."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from connections import actions
from connections.metrics import ATTEMPTS_DROPPED, Drop
from connections.vouchers import VoucherKind
from connections.workspace_keys import note_refusal
from lineage.database.sessions import count_error, what_happened
from lineage.intake.commit import DatabaseFault

log = structlog.get_logger(__name__)

SAMPLES_A_SECOND = 20


class Attempt(NamedTuple):
    """The end of a request.

    `connection_id` is None if a workspace key's request was refused before it was known to concern a connection;
    `key_id` is None if the key was refused or belongs to another connection.
    """

    connection_id: UUID | None
    key_id: UUID | None
    at: datetime
    outcome: str
    status: int
    reason: str = ""
    code: str = ""
    key_name: str = ""
    job_name: str = ""
    key_kind: VoucherKind = VoucherKind.API_KEY
    # Of the key, if it belongs to another connection.
    key_connection_id: UUID | None = None


def write(attempts: Iterable[Attempt]) -> None:
    """Writes attempts down. They are only good to know, so a database that is away loses them and fails no request."""
    for attempt in attempts:
        try:
            _write(attempt)
        except DatabaseFault as error:
            count_error(error)
            ATTEMPTS_DROPPED[Drop.DATABASE].inc()
            log.warning("attempt_not_written", connection_id=str(attempt.connection_id), error=what_happened(error))


def _write(attempt: Attempt) -> None:
    if attempt.connection_id is None:
        assert attempt.key_id is not None  # noqa: S101 - a request without either is not written down
        note_refusal(
            key_id=attempt.key_id, at=attempt.at, status=attempt.status, reason=attempt.reason, code=attempt.code
        )
        return
    if attempt.key_id is not None:
        actions.touch_keys(kind=attempt.key_kind, key_ids=[attempt.key_id], now=attempt.at)
    actions.record_attempt(
        connection_id=attempt.connection_id,
        at=attempt.at,
        outcome=attempt.outcome,
        status=attempt.status,
        reason=attempt.reason,
        code=attempt.code,
        key_name=attempt.key_name,
        key_connection_id=attempt.key_connection_id,
        job_name=attempt.job_name,
    )


# A key and the connection to which it sends.
_Sender = tuple[UUID | None, UUID | None]


class Sampler:
    """Selects attempts of senders with a key that are worth writing down. For one thread.

    It takes those that were refused in part, the first of each key in a minute (the key was used), and otherwise one a
    second of each key, of all keys together few enough to cost nothing beside their events. A workspace key counts as
    one key for each connection to which it sends.
    """

    def __init__(self) -> None:
        self._minute = self._second = 0
        self._keys_of_minute: set[_Sender] = set()
        self._keys_of_second: set[_Sender] = set()

    def takes(self, attempt: Attempt) -> bool:
        second = int(attempt.at.timestamp())
        if second != self._second:
            self._second, self._keys_of_second = second, set()
        if second // 60 != self._minute:
            self._minute, self._keys_of_minute = second // 60, set()
        if attempt.reason:
            return True
        sender = attempt.key_id, attempt.connection_id
        is_first = sender not in self._keys_of_minute
        if not is_first and (sender in self._keys_of_second or len(self._keys_of_second) >= SAMPLES_A_SECOND):
            return False
        self._keys_of_minute.add(sender)
        self._keys_of_second.add(sender)
        return True
