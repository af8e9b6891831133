"""Merges of column values, described once for Python and for SQL.

Events of one digest are merged in Python first, then with the stored row in SQL. Each merge is commutative and
associative, so the order and grouping of events does not change the row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

# Merges of two values. None means that no event said anything, and loses.
Merge = Literal["least", "greatest", "either", "sum", "union"]

_SQL: Final[dict[str, str]] = {
    # These pass over NULL.
    "least": "LEAST(run.{column}, excluded.{column})",
    "greatest": "GREATEST(run.{column}, excluded.{column})",
    "either": "run.{column} OR excluded.{column}",
    "sum": "run.{column} + excluded.{column}",
    # Almost always one of the two holds all that the other does.
    "union": """CASE
        WHEN excluded.{column} IN ('{{}}', run.{column}) THEN run.{column}
        WHEN run.{column} = '{{}}' THEN excluded.{column}
        ELSE ARRAY(SELECT DISTINCT id FROM unnest(run.{column} || excluded.{column}) AS id ORDER BY id)
    END""",
}
_PYTHON: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "least": min,
    "greatest": max,
    "either": lambda one, other: one or other,
    "sum": lambda one, other: one + other,
    "union": lambda one, other: one | other,
}
NIL: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Part:
    """A value by which the rows of a group are compared. `absent` replaces None; `ranks`: the least value first."""

    column: str
    absent: Any = None
    ranks: Sequence[str] = ()

    def of(self, row: Any) -> Any:
        value = getattr(row, self.column)
        if value is None:
            return self.absent
        if self.ranks:
            return self.ranks.index(value)
        return tuple(sorted(value)) if isinstance(value, frozenset) else value

    def sql(self, row: str) -> str:
        value = f"{row}.{self.column}"
        if self.ranks:
            return f"array_position(ARRAY{list(self.ranks)}, {value})"
        if self.absent is None:
            return value
        return f"COALESCE({value}, {_literal(self.absent)})"


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that change together: the row with the greater key gives all of them.

    A row without a value in the first part of the key has none of them, and loses. `least`: the smaller key wins.
    """

    key: tuple[Part, ...]
    # The column without which a row says nothing of the group; that of the key's first part, unless it is another.
    needs: str = ""
    least: bool = False

    @property
    def needed(self) -> str:
        return self.needs or self.key[0].column

    def wins(self, other: Any, one: Any) -> bool:
        """Returns True if the values of `other` replace those of `one`."""
        if getattr(other, self.needed) is None:
            return False
        if getattr(one, self.needed) is None:
            return True
        ours, theirs = ([part.of(row) for part in self.key] for row in (one, other))
        return theirs < ours if self.least else theirs > ours

    def wins_sql(self) -> str:
        """The SQL condition for `wins`, with `excluded` as `other` and `run` as `one`."""
        ours, theirs = (", ".join(part.sql(row) for part in self.key) for row in ("run", "excluded"))
        sign = "<" if self.least else ">"
        needed = self.needed
        return f"(excluded.{needed} IS NOT NULL AND (run.{needed} IS NULL OR ({theirs}) {sign} ({ours})))"


def merged(merge: Merge, one: Any, other: Any) -> Any:
    """Merges two values."""
    if one is None or other is None:
        return other if one is None else one
    return _PYTHON[merge](one, other)


def merged_sql(merge: Merge, column: str) -> str:
    """The SQL expression for `merged`, on `run`, the stored row, and `excluded`, the other one."""
    return _SQL[merge].format(column=column)


def _literal(value: Any) -> str:
    if value == ():
        return "'{}'"
    return str(value) if isinstance(value, int) else f"'{value}'"
