"""The part of a dataset that a run touched, in words."""

from typing import Any

import pytest

from lineage.events.contents import contents_of
from lineage.events.subset import MAX_CHARACTERS
from tests.lineage.build import dataset, run_event


def compare(field: str, value: Any, comparison: str = "EQUAL") -> dict[str, Any]:
    operands = {"left": {"type": "field", "field": field}, "right": {"type": "literal", "value": value}}
    return {"type": "compare", **operands, "comparison": comparison}


def binary(operator: str, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {"type": "binary", "left": left, "right": right, "operator": operator}


def words(condition: Any) -> str:
    read = {**dataset("orders"), "inputFacets": {"subset": {"inputCondition": condition}}}
    contents = contents_of([run_event("COMPLETE", inputs=[read]).decode()])
    return contents.subsets.get(("READS", "warehouse", "orders"), "")


PARTITIONS = [{"dimensions": {"day": "2026-01-31", "country": "PL"}}, {"identifier": "2026-02"}]
DEEP = compare("a", 1)
for _ in range(100):
    DEEP = binary("AND", DEEP, compare("b", 2))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"type": "location", "locations": ["s3://a/1", "s3://a/2"]}, "s3://a/1, s3://a/2"),
        ({"type": "partition", "partitions": PARTITIONS}, "day=2026-01-31, country=PL; 2026-02"),
        (compare("age", 18, "GREATER_EQUAL_THAN"), "age ≥ '18'"),
        (
            binary("AND", compare("a", "x"), binary("OR", compare("b", "y"), compare("c", "z"))),
            "a = 'x' AND (b = 'y' OR c = 'z')",
        ),
        (
            binary("AND", binary("AND", compare("a", 1), compare("b", 2)), compare("c", 3)),
            "a = '1' AND b = '2' AND c = '3'",
        ),
        ({"type": "other"}, ""),
        ({"type": ["location"]}, ""),
        ({"type": "binary"}, ""),
        ({"type": "location", "locations": 3}, ""),
        (None, ""),
    ],
)
def test_conditions(condition: Any, expected: str) -> None:
    assert words(condition) == expected


def test_long_and_deep_conditions_are_cut() -> None:
    found = words({"type": "location", "locations": [f"s3://bucket/{n}" for n in range(25)]})
    assert found.endswith("s3://bucket/19, 5 more")
    assert words({"type": "location", "locations": ["x" * 600] * 3}) == "x" * MAX_CHARACTERS + "…"
    assert words(DEEP).startswith("… AND … AND b = '2'")
