"""Reasons of failures in logs, also in logs that mean harm."""

import json

import pytest

from pull.sources.airflow.reasons import Reason, decode_log, reason_in

ERROR = {"exc_type": "ValueError", "exc_value": "No such table", "frames": []}
TRACEBACK = """Traceback (most recent call last):
  File "/opt/dags/shop.py", line 3, in load
    raise ValueError("No such table")
ValueError: No such table
"""


def reason(content: object) -> Reason | None:
    log = decode_log(json.dumps({"content": content}).encode())
    return reason_in(log) if log else None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # Airflow 3: an exception counts before other lines, and the last one before earlier ones.
        ([{"event": "Oh", "level": "error"}, {"event": "x", "error_detail": [ERROR]}], "No such table"),
        ([{"event": "Killed", "level": "critical"}, {"event": "Oh", "level": "error"}], "Killed"),
        ([{"event": "All is well", "level": "info"}], None),
        ([], None),
        # Airflow 2: hosts and texts, written as Python.
        (
            repr([("worker", f"[2026] {{task.py:1}} INFO - Begins\n{TRACEBACK}[2026] {{x}} INFO - Ends")]),
            "No such table",
        ),
        (
            repr([("w", "[2026] {job.py:1} INFO - Task exited with return code -9. See")]),
            "Task exited with return code -9. See",
        ),
        (repr([("w", "[2026] {job.py:1} INFO - Task exited with return code 0")]), None),
        ("not Python at all", None),
    ],
)
def test_reasons(content: object, message: str | None) -> None:
    found = reason(content)
    assert (found.message if found else None) == message


def test_a_log_of_another_shape_has_no_reason() -> None:
    assert decode_log(b'{"content": 3}') is None
    assert decode_log(b"<html>") is None


def test_logs_that_mean_harm_end_soon() -> None:
    """A pattern that matches a line in several ways would try all of their combinations."""
    lines = "Traceback (most recent call last):\n" + "        x\n" * 10_000 + "!\n"
    assert reason(lines * 5) is None
    assert reason("Traceback (most recent call last):\n" * 20_000) is None
    assert reason("[" * 100_000) is None
    assert decode_log(b'{"content": [' + b"{}," * 3_000_000 + b"{}]}") is None


def test_a_long_log_of_airflow_2_is_read_from_its_end() -> None:
    found = reason(repr([("w", "x" * 600_000 + "\n" + TRACEBACK)]))
    assert found is not None
    assert found.message == "No such table"
