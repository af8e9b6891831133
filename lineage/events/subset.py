"""Facet `subset` of an input or an output: the part of the dataset that a run touched, in words. Pure."""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from lineage.events.text import storable

SUBSET: Final = "subset"
# Longer texts are cut; the stored event keeps them whole.
MAX_CHARACTERS: Final = 500
_MOST: Final = 20
_DEEPEST: Final = 20
_SIGNS: Final = {
    "EQUAL": "=",
    "GREATER_THAN": ">",
    "GREATER_EQUAL_THAN": "≥",
    "LESS_THAN": "<",
    "LESS_EQUAL_THAN": "≤",
}
_CUT: Final = "…"


class SubsetFacet(Struct):
    inputCondition: dict[str, Any] | None = None
    outputCondition: dict[str, Any] | None = None
    # First form.
    condition: dict[str, Any] | None = None


def in_words(facet: SubsetFacet | None) -> str:
    """Return the condition as people would write it: `day = '2026-01-31' AND country = 'PL'`. Empty: there is none."""
    found = facet and (facet.inputCondition or facet.outputCondition or facet.condition)
    text = _condition(found, 0) if found else ""
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + _CUT


def _condition(one: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return _CUT
    kind = one.get("type") if isinstance(one, dict) else None
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    return read(one, depth) if read else ""


def _locations(one: dict[str, Any], _depth: int) -> str:
    return _listed(one.get("locations"), _text, ", ")


def _partitions(one: dict[str, Any], _depth: int) -> str:
    return _listed(one.get("partitions"), _partition, "; ")


def _partition(one: Any) -> str:
    """Return `day=2026-01-31, country=PL`, or the partition's own name."""
    if not isinstance(one, dict):
        return ""
    dimensions = one.get("dimensions")
    if isinstance(dimensions, dict) and dimensions:
        return ", ".join(f"{_text(name)}={_text(value)}" for name, value in dimensions.items())
    return _text(one.get("identifier"))


def _compare(one: dict[str, Any], _depth: int) -> str:
    sign = _SIGNS.get(str(one.get("comparison")).upper(), _text(one.get("comparison")))
    return f"{_operand(one.get('left'))} {sign} {_operand(one.get('right'))}"


def _operand(one: Any) -> str:
    if not isinstance(one, dict):
        return _CUT
    return _text(one["field"]) if "field" in one else f"'{_text(one.get('value'))}'"


def _binary(one: dict[str, Any], depth: int) -> str:
    operator = _text(one.get("operator")).upper()
    sides = (_side(one.get(name), operator, depth + 1) for name in ("left", "right"))
    return f" {operator} ".join(filter(None, sides))


def _side(one: Any, operator: str, depth: int) -> str:
    """Return a side of AND or OR, in parentheses if it is the other one."""
    text = _condition(one, depth)
    other = isinstance(one, dict) and one.get("type") == "binary" and _text(one.get("operator")).upper() != operator
    return f"({text})" if other and text else text


def _listed(values: Any, words: Callable[[Any], str], separator: str) -> str:
    if not isinstance(values, list):
        return ""
    texts = list(filter(None, map(words, values[:_MOST])))
    more = len(values) - _MOST
    return separator.join(texts + ([f"{more:,} more"] if more > 0 else []))


def _text(value: Any) -> str:
    return "" if value is None else storable(str(value))[:MAX_CHARACTERS]


_KINDS: Final[dict[str, Callable[[dict[str, Any], int], str]]] = {
    "location": _locations,
    "partition": _partitions,
    "compare": _compare,
    "binary": _binary,
}
