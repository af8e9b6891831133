"""Limits on the maximum, since in every code base that reads well it is one or two files that are ugly."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.files import ROOT, committed

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40
LINES_OF_A_VIEW = 25

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _sources() -> list[Path]:
    # A migration is written once and never edited; splitting one would only scatter it.
    return [path for path in committed(".py") if "migrations" not in path.parts]


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, Function):
            yield node


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _is_view(path: Path, function: Function) -> bool:
    arguments = function.args.args
    return "views" in path.stem and bool(arguments) and arguments[0].arg == "request"


def _too_long(limit: int, functions: Iterator[tuple[Path, Function]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {_lines(function)} lines"
        for path, function in functions
        if _lines(function) > limit
    ]


def test_no_file_is_longer_than_its_limit() -> None:
    counted = {path: len(path.read_text().splitlines()) for path in _sources()}

    assert counted, "no source was found"
    assert not {str(path.relative_to(ROOT)): n for path, n in counted.items() if n > LINES_OF_A_FILE}


def test_no_function_is_longer_than_its_limit() -> None:
    functions = ((path, function) for path in _sources() for function in _functions(path))

    assert _too_long(LINES_OF_A_FUNCTION, functions) == []


def test_no_view_is_longer_than_its_limit() -> None:
    functions = (
        (path, function)
        for path in _sources()
        for function in _functions(path)
        if _is_view(path, function) and "tests" not in path.parts
    )

    assert _too_long(LINES_OF_A_VIEW, functions) == []
