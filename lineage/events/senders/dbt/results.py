"""States of single tests, as dbt-ol tells them."""

from typing import Final

from lineage.events.assertions import Assertion, TestState
from lineage.events.senders.sender import RunOfTests

# dbt's generic tests that look at one model alone. The others may look at a second one.
OF_ONE_MODEL: Final = ("unique", "not_null", "accepted_values")


def reports_tests(producer: bytes) -> bool:
    """Tell whether dbt-ol sent the event. `producer`: JSON text."""
    return b"integration/dbt" in producer


def is_of_build(sent_name: str) -> bool:
    """Tell of the job of all tests of a model, by its name as it came, whether they are of `dbt build`. `dbt test`
    skips none."""
    return sent_name.endswith(".build.test")


def is_query(test: Assertion) -> bool:
    """Tell whether the test is a query of its own, and no use of a generic test."""
    return test.assertion == test.name


def state_of(test: Assertion, run: RunOfTests, has_results: bool) -> TestState | None:
    """The state of a test that did not succeed; None: as the specification has it."""
    if test.has_no_result:
        return _state_without_result(test, run, has_results=has_results)
    if test.actual == test.expected and run.event_type in ("ABORT", "FAIL"):
        # What structured mode says of a test that was skipped, and of one that could not be run.
        return "skipped" if run.event_type == "ABORT" else "errored"
    return None


def _state_without_result(test: Assertion, run: RunOfTests, *, has_results: bool) -> TestState:
    """The state of a test that default mode tells of: it was skipped, or could not be run. As lineage/states/rules.py
    has it for all tests of the model."""
    if run.shown_state == "SKIPPED":
        return "skipped"
    may_be_skipped = is_of_build(run.job_name) and has_results and test.assertion not in OF_ONE_MODEL
    return "no result" if may_be_skipped else "errored"
