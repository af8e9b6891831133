"""The refusal of a request, with its cure, for the person who sets the sender up."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from connections.models import Connection
from connections.querysets import Reader
from web.guides import cure_of


class Refused(Protocol):
    """An attempt, as a row or as the intake just made it. `code` is empty unless it was refused."""

    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def key_connection_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """`cure` is empty if none is known. `key_connection`: that of the key, if it is another that the reader sees."""

    status: int
    reason: str
    cure: str
    key_connection: Connection | None


def read_refusal(attempt: Refused | None, reader: Reader) -> Refusal | None:
    """Add the cure to a refused attempt. One query if its key belongs to another connection."""
    if attempt is None:
        return None
    found = None
    if attempt.key_connection_id:
        found = Connection.objects.visible(reader).filter(pk=attempt.key_connection_id).first()
    return Refusal(attempt.status, attempt.reason, cure_of(attempt.code), found)
