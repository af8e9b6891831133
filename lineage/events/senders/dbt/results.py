"""States of single tests, as dbt-ol reports them."""

import re
from typing import Final

from lineage.events.assertions import Assertion, TestState
from lineage.events.senders.dbt.nodes import is_of_all_tests
from lineage.events.senders.dbt.words import MAYBE_NOT_FAILED
from lineage.events.senders.sender import RunOfTests

# Producer of events that Observatory makes of dbt's artifacts.
_FETCHED: Final = b"urn:observatory:pull:dbt"
# dbt's generic tests that read one model only. Others may read a second one.
OF_ONE_MODEL: Final = ("unique", "not_null", "accepted_values")
_VERSION: Final = re.compile(rb"/tree/(\d{1,4})\.(\d{1,4})[^/]*/integration/dbt")
# The first version that sends how many rows failed a test (`actual`).
_FIRST_WITH_COUNTS: Final = (1, 47)
# Type of the last event of a test that warned, in structured mode of old versions, such as 1.30.
WARNED: Final = "OTHER"


def reports_tests(producer: bytes) -> bool:
    """Tell whether dbt-ol sent the event, or Observatory in its form. `producer`: JSON text."""
    return b"integration/dbt" in producer or _FETCHED in producer


def sends_counts(producer: bytes, *, has_node: bool = True) -> bool:
    """Tell whether this version of dbt-ol sends how many rows failed a test. `producer`: JSON text.

    If it does, a test without that number has no result. If it does not, the lack of the number says nothing.
    `has_node`: the event has the facet `dbt_node`, which versions without counts mostly do not send. That decides if
    the producer says no version: Airflow runs dbt with producers of its own.
    """
    version = _VERSION.search(producer)
    return (int(version[1]), int(version[2])) >= _FIRST_WITH_COUNTS if version else has_node


def is_from_build(sent_name: str) -> bool:
    """Tell whether a job of all tests of a model was run by `dbt build`. `sent_name`: the job's name as received.

    `dbt test` skips no tests.
    """
    return sent_name.endswith(".build.test")


def is_query(test: Assertion) -> bool:
    """Tell whether the test is a query of its own, not a use of a generic test."""
    return test.assertion == test.name


def state_of(test: Assertion, run: RunOfTests, has_results: bool) -> TestState | None:
    """Return the state of a test that did not succeed; None: the specification's rule applies."""
    if not sends_counts(run.producer):
        return _state_without_count(run)
    if test.has_no_result:
        return _state_without_result(test, run, has_results=has_results)
    if test.actual == test.expected and run.event_type in ("ABORT", "FAIL"):
        # Structured mode sends this if a test was skipped (ABORT) or could not be run (FAIL).
        return "skipped" if run.event_type == "ABORT" else "errored"
    return None


def note_on_failed_tests(run: RunOfTests) -> str:
    """Say what failed tests may be in truth, in a run that says `success: false` of all of them."""
    return "" if sends_counts(run.producer) or not is_of_all_tests(run.job_name) else MAYBE_NOT_FAILED


def _state_without_count(run: RunOfTests) -> TestState | None:
    """Return the state of a test in a version that says `success: false` of tests that failed, could not be run, were
    skipped, or warned.

    Only a test with a run of its own has an event type that says which.
    """
    if is_of_all_tests(run.job_name):
        return None
    return "skipped" if run.event_type == "ABORT" else "warned" if run.event_type in ("COMPLETE", WARNED) else None


def _state_without_result(test: Assertion, run: RunOfTests, *, has_results: bool) -> TestState:
    """Return the state of a test for which default mode reports no result: it was skipped, or could not be run.

    lineage/states/rules.py decides in this way for all tests of a model together.
    """
    if run.shown_state == "SKIPPED":
        return "skipped"
    may_be_skipped = is_from_build(run.job_name) and has_results and test.assertion not in OF_ONE_MODEL
    return "no result" if may_be_skipped else "errored"
