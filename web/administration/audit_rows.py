"""Words for an audit entry, on the page and in the CSV file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.models import AuditEntry, Verb, Via

CSV_HEAD: Final = ("at", "actor", "via", "address", "verb", "object", "object_id", "name", "changes")
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_REFUSALS: Final = frozenset({Verb.SIGN_IN_REFUSED, Verb.SECOND_STEP_FAILED})
_WITHOUT_OBJECT: Final = _REFUSALS | {Verb.SIGNED_IN, Verb.CONFIRMED, Verb.SIGNED_OUT}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Row of the list. `act`: such as `Renamed connection`. `changes`: such as `name: a → b`; empty for none."""

    id: int
    at: datetime
    actor: str
    way: str
    act: str
    name: str
    changes: str
    is_refusal: bool


def row_of(entry: AuditEntry) -> AuditRow:
    verb = Verb(entry.verb)
    way = f"{Via(entry.via).label}, {entry.address}" if entry.address else Via(entry.via).label
    return AuditRow(
        id=entry.pk,
        at=entry.at,
        actor=entry.actor,
        way=way,
        act=verb.label if verb in _WITHOUT_OBJECT else f"{verb.label} {entry.object}",
        name=entry.name,
        changes=changes_in_words(entry.changes),
        is_refusal=verb in _REFUSALS,
    )


def changes_in_words(changes: Mapping[str, Sequence[Any]]) -> str:
    """Join `field: before → after`; only one of the two where there is no other."""
    return "; ".join(f"{field}: {_change(*values)}" for field, values in changes.items())


def csv_row(entry: AuditEntry) -> list[str]:
    """Return the cells of an entry, in the order of CSV_HEAD. The time is in UTC."""
    cells = (entry.actor, entry.via, entry.address or "", entry.verb, entry.object, entry.object_id, entry.name)
    texts = (entry.at.isoformat(), *cells, changes_in_words(entry.changes))
    return [f"'{text}" if text.startswith(_FORMULA) else text for text in texts]


def _change(before: Any, after: Any) -> str:
    if before is None:
        return _text(after)
    return f"{_text(before)} removed" if after is None else f"{_text(before)} \N{RIGHTWARDS ARROW} {_text(after)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"
