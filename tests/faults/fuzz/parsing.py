"""Another JSON parser than the product's, and the depth of what it may refuse as too deep."""

import json
import math
import re
from typing import Any

from lineage.events import NotJson

# A server reads 973 levels: Python leaves it 1,000 calls, these and those that it is in already.
DEEP = 900
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)


def strictly_parsed(body: bytes) -> Any:
    """Parse by RFC 8259, with another parser than the product's. Returns NotJson for any other body."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse, parse_int=str, parse_float=_number)
    except (ValueError, RecursionError):
        return NotJson


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _number(text: str) -> float:
    return math.nan if len(text) > 1_000 else float(text)


def depth(body: bytes) -> int:
    """Return how deep arrays and objects are nested, in a text that begins like JSON."""
    level = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        if match[0] in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif match[0] in b"]}":
            level -= 1
    return deepest
