"""Reasons of failures, read from the logs of tasks: Airflow's API has them nowhere else. Pure."""

import ast
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from lineage.events.decoders import decoder_of

# Longest texts of a reason, and of its stack trace.
_MOST_MESSAGE: Final = 8000
_MOST_TRACE: Final = 32_000
_MOST_BYTES: Final = 8 * 1024 * 1024
# Longest log that is read as Python, which takes a hundred times its memory.
_MOST_PYTHON: Final = 500_000
_BAD_LEVELS: Final = frozenset(("error", "critical"))
# Each line matches in one way: with `[ \t]+` in place of `[ \t]` a log of 20 lines would take hours.
_TRACEBACK: Final = re.compile(
    r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)+(?P<type>[\w.]+)(?:: (?P<message>.*))?$", re.MULTILINE
)
# What Airflow 2 writes before each line of a log.
_PREFIX: Final = re.compile(r"^\[[^\]]+\] \{[^}]+\} (?P<level>[A-Z]+) - (?P<message>.*)$", re.MULTILINE)
# The last words of a task whose process was killed.
_RETURNED: Final = re.compile(r"Task exited with return code (?!0\b)")


class Reason(Struct, frozen=True):
    message: str
    stack_trace: str = ""


class _Frame(Struct):
    filename: str = ""
    lineno: int = 0
    name: str = ""


class _Error(Struct):
    exc_type: str = ""
    exc_value: str = ""
    frames: list[_Frame] = field(default_factory=list)


class _Line(Struct):
    event: Any = None
    level: str | None = None
    error_detail: list[_Error] | None = None


class Log(Struct):
    """Log of a try. Airflow 3: structured lines. Airflow 2: a list of (host, text), written as Python."""

    content: list[_Line | str] | str = ""


def reason_in(log: Log) -> Reason | None:
    """Find why the task failed: the last exception, else the first line of an error. None: the log does not say."""
    if isinstance(log.content, str):
        return _of_text(_text_of_airflow_2(log.content))
    return _of_lines([line for line in log.content if isinstance(line, _Line)])


def _of_lines(lines: Sequence[_Line]) -> Reason | None:
    raised = [line.error_detail[0] for line in lines if line.error_detail]
    if raised:
        # The causes of an exception follow it.
        return _of_error(raised[-1])
    said = (str(line.event) for line in lines if line.level in _BAD_LEVELS and line.event)
    first = next(said, None)
    return Reason(first[:_MOST_MESSAGE]) if first else None


def _of_error(error: _Error) -> Reason:
    frames = (f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in error.frames)
    last = f"{error.exc_type}: {error.exc_value}" if error.exc_value else error.exc_type
    trace = "\n".join(("Traceback (most recent call last):", *frames, last))
    return Reason((error.exc_value or error.exc_type)[:_MOST_MESSAGE], trace[-_MOST_TRACE:])


def _of_text(text: str) -> Reason | None:
    tracebacks = list(_TRACEBACK.finditer(text))
    if tracebacks:
        found = tracebacks[-1]
        message = found["message"] or found["type"]
        return Reason(message[:_MOST_MESSAGE], found.group()[-_MOST_TRACE:])
    lines = [(line["level"].lower(), line["message"]) for line in _PREFIX.finditer(text)]
    said = (message for level, message in lines if level in _BAD_LEVELS or _RETURNED.match(message))
    first = next(said, None)
    return Reason(first[:_MOST_MESSAGE]) if first else None


def _text_of_airflow_2(content: str) -> str:
    if len(content) > _MOST_PYTHON:
        return content[-_MOST_PYTHON:].replace("\\n", "\n")
    try:
        parts = ast.literal_eval(content)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return content
    if not isinstance(parts, list):
        return content
    return "\n".join(str(part[-1]) if isinstance(part, tuple) and part else str(part) for part in parts)


def facet_of(reason: Reason) -> dict[str, str]:
    """Facet `errorMessage`."""
    facet = {"message": reason.message, "programmingLanguage": "python"}
    return facet | ({"stackTrace": reason.stack_trace} if reason.stack_trace else {})


def decode_log(content: bytes) -> Log | None:
    """Decode a log; None if it has another shape, or is so large that its lines would take gigabytes."""
    if len(content) > _MOST_BYTES:
        return None
    try:
        return decoder_of(Log).decode(content)
    except (msgspec.DecodeError, RecursionError):
        return None
