"""Schemas of datasets, and how two of them differ. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

ChangeOfColumn = Literal["added", "removed", "changed"]


class Column(NamedTuple):
    """Column, or a field inside one: `path` is `address.city`, `depth` 1. Empty texts: not given."""

    path: str
    name: str
    type: str
    description: str
    depth: int


class Difference(NamedTuple):
    """Difference between two schemas. `type` and `previous_type`: empty if there is none."""

    change: ChangeOfColumn
    path: str
    type: str
    previous_type: str


class SeenSchema(NamedTuple):
    """Content of a schema, with the time of the first event that has it, and the hour of the last one."""

    content_id: UUID
    first_at: datetime
    last_hour: datetime


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """Change from one schema to the next. `is_return`: an earlier schema came back, some time after `at`."""

    at: datetime
    differences: list[Difference]
    is_return: bool = False


def columns_of(content: str) -> list[Column]:
    """Return the columns of a schema, each followed by the fields inside it. Empty content: none."""
    found = []
    schema: Any = msgspec.json.decode(content) if content else {}
    waiting = [("", 0, field) for field in reversed(schema.get("fields") or ())]
    while waiting:
        parent, depth, field = waiting.pop()
        path = f"{parent}.{field['name']}" if parent else field["name"]
        found.append(Column(path, field["name"], field.get("type") or "", field.get("description") or "", depth))
        waiting += [(path, depth + 1, inner) for inner in reversed(field.get("fields") or ())]
    return found


def differences(before: Sequence[Column], after: Sequence[Column]) -> list[Difference]:
    """Return what was added, what changed its type, and what was removed, each in the order of its schema."""
    old = {column.path: column.type for column in before}
    new = {column.path: column.type for column in after}
    added = [Difference("added", path, type_, "") for path, type_ in new.items() if path not in old]
    changed = [
        Difference("changed", path, type_, old[path])
        for path, type_ in new.items()
        if path in old and type_ != old[path]
    ]
    removed = [Difference("removed", path, "", type_) for path, type_ in old.items() if path not in new]
    return added + changed + removed


def history(seen: Sequence[SeenSchema], columns: Mapping[UUID, Sequence[Column]]) -> list[SchemaChange]:
    """Return the changes between schemas that follow one another, the latest first.

    A schema is known by its first and its last hour. If the one that came last began before another one, it came
    back: then the last change is the way back, after the other one was last seen.
    """
    in_turn = sorted(seen, key=lambda one: (one.first_at, one.content_id))
    changes = [
        SchemaChange(after.first_at, differences(columns[before.content_id], columns[after.content_id]))
        for before, after in pairwise(in_turn)
    ]
    if in_turn:
        newest = in_turn[-1]
        current = max(in_turn, key=lambda one: (one.last_hour, one.first_at, one.content_id))
        if current is not newest:
            found = differences(columns[newest.content_id], columns[current.content_id])
            changes.append(SchemaChange(newest.last_hour, found, is_return=True))
    return [change for change in reversed(changes) if change.differences]
