"""Error of a run: the message, else the line of the stack trace that names the exception; without terminal codes."""

import re
from typing import Final, NamedTuple

from msgspec import Struct

from lineage.events.text import storable

# Escape sequences of terminals (ECMA-48): control sequences such as colours, texts such as links, and single escapes.
# Of an unfinished sequence the beginning is removed.
_TERMINAL_CODE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
_TRACEBACK: Final = "Traceback (most recent"
_JAVA_FRAME: Final = re.compile(r"\s+at \S")


class ErrorFacet(Struct):
    """Facet `errorMessage`, and facets of senders in this shape. Real senders send a trace without a message."""

    message: str | None = None
    programmingLanguage: str | None = None
    stackTrace: str | None = None


class RunError(NamedTuple):
    message: str
    programming_language: str
    stack_trace: str


def run_error(facet: ErrorFacet | None) -> RunError | None:
    """Return the error in a facet. None if it has neither a message nor a stack trace."""
    if facet is None:
        return None
    message, trace = clean(facet.message or ""), clean(facet.stackTrace or "")
    message = message if message.strip() else headline_of_trace(trace)
    return RunError(message, clean(facet.programmingLanguage or ""), trace) if message else None


def clean(text: str) -> str:
    """Remove the codes that colour a text in a terminal, and what PostgreSQL cannot store."""
    return storable(_TERMINAL_CODE.sub("", text) if "\x1b" in text or "\x9b" in text else text)


def headline_of_message(message: str) -> str:
    """Return the most useful line of an error message: the exception below a Python traceback, else the first line."""
    lines = _lines(message)
    return _exception_below_traceback(lines) or (lines[0].strip() if lines else "")


def headline_of_trace(trace: str) -> str:
    """Return the line of a stack trace that names the exception.

    It is below the frames in Python, and above them in Java; in other languages the last line is taken.
    """
    lines = _lines(trace)
    if found := _exception_below_traceback(lines):
        return found
    frame = next((n for n, line in enumerate(lines) if _JAVA_FRAME.match(line)), 0)
    return lines[0 if frame else -1].strip() if lines else ""


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _exception_below_traceback(lines: list[str]) -> str:
    """Return the exception below the last Python traceback; empty if there is none. Spark puts a traceback behind an
    exception of its own."""
    begin = max((n for n, line in enumerate(lines) if _TRACEBACK in line), default=len(lines))
    return next((line.strip() for line in lines[begin + 1 :] if not line.startswith(" ")), "")
