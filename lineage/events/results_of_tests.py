"""Results of tests on datasets, as a run reported them. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lineage.events.assertions import TEST_STATES, TestState


@dataclass(frozen=True, slots=True)
class TestResult:
    """Result of one assertion on a dataset, as reported by the run."""

    __test__ = False  # pytest must not collect this class

    namespace: str
    dataset: str
    # The kind of assertion, such as `not_null`, and the test's own name, if it has one.
    assertion: str
    name: str
    column: str
    state: TestState
    actual: str
    expected: str


def each_once(facets: Iterable[Iterable[TestResult]]) -> list[TestResult]:
    """Join the results of several facets. If two of them give one assertion, its worse state counts.

    Within one facet, two assertions with one name are two: they differ in arguments that events do not give.
    """
    found: dict[tuple[str, str, str, str, str, int], TestResult] = {}
    for results in facets:
        counts: Counter[tuple[str, str, str, str, str]] = Counter()
        for result in results:
            name = (result.namespace, result.dataset, result.assertion, result.name, result.column)
            known = found.get((*name, counts[name]))
            if known is None or TEST_STATES.index(result.state) < TEST_STATES.index(known.state):
                found[(*name, counts[name])] = result
            counts[name] += 1
    return list(found.values())


def in_order(tests: Iterable[TestResult]) -> list[TestResult]:
    """Sort test results, failed ones first."""
    return sorted(tests, key=lambda test: (TEST_STATES.index(test.state), test.dataset, test.name))
