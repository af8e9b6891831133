"""Test results on datasets, from the OpenLineage facets `dataQualityAssertions` and `test`."""

import re
from typing import Any, Final, Literal, get_args

from msgspec import Struct

TestState = Literal["failed", "errored", "warned", "no result", "skipped", "passed"]
# Sorted by importance to a reader. `errored`: the test could not be run. `no result`: errored or skipped, not known
# which.
TEST_STATES: tuple[TestState, ...] = get_args(TestState)
_COMPARISON: Final = re.compile(r"\s*(=|==|!=|<>|<|<=|>|>=)\s*(\d{1,18})\s*")


class Assertion(Struct):
    """Assertion of the facet `dataQualityAssertions`."""

    assertion: str
    success: bool
    name: str | None = None
    column: str | None = None
    severity: str | None = None
    actual: Any = None
    expected: Any = None

    @property
    def has_no_result(self) -> bool:
        return not self.success and self.actual is None

    @property
    def only_warns(self) -> bool:
        """Tell whether a failed assertion is only a warning for its sender.

        `expected` may be a threshold, like `>10`.
        """
        if (self.severity or "").lower() in ("warn", "warning"):
            return True
        threshold = _COMPARISON.fullmatch(self.expected) if isinstance(self.expected, str) else None
        if threshold is None or not isinstance(self.actual, str) or not self.actual.isdecimal():
            return False
        return not _holds(int(self.actual[:18]), threshold[1], int(threshold[2]))


class Assertions(Struct):
    assertions: list[Assertion]


class TestExecution(Struct):
    """Test of the facet `test`."""

    __test__ = False  # pytest must not collect this class

    name: str
    status: str
    severity: str | None = None
    type: str | None = None
    actual: Any = None
    expected: Any = None


class TestRun(Struct):
    __test__ = False

    tests: list[TestExecution]


def _holds(number: int, comparison: str, other: int) -> bool:
    if number == other:
        return comparison in ("=", "==", "<=", ">=")
    return comparison in ("!=", "<>") or comparison[0] == ("<" if number < other else ">")
