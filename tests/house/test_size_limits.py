"""Limits on the size of files and functions. They limit the maximum, because in readable code only a few files are too
long."""

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.house.files import ROOT, committed
from tests.house.routes import callbacks

LINES_OF_A_FILE = 400
CHARACTERS_OF_A_TEMPLATE_LINE = 160
LINES_OF_A_FUNCTION = 40
LINES_OF_A_VIEW = 25

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _sources() -> list[Path]:
    # A migration is never edited after it is written, and splitting one would not help readers.
    return [path for path in committed(".py") if "migrations" not in path.parts]


def _style_sheets() -> list[Path]:
    return [path for path in committed(".css") if ROOT / "static/vendor" not in path.parents]


def _templates() -> list[Path]:
    return [path for path in committed() if "templates" in path.relative_to(ROOT).parts and path.suffix != ".md"]


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, Function):
            yield node


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _code_of_views() -> Iterator[CodeType]:
    """The functions behind the routes, without their decorators; of a class all its methods."""
    for callback in callbacks():
        view = inspect.unwrap(callback)
        view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
        members = [member for of in view_class.__mro__ for member in vars(of).values()] if view_class else [view]
        for member in members:
            if isinstance(function := inspect.unwrap(member), FunctionType):
                yield function.__code__


def _views() -> Iterator[tuple[Path, Function]]:
    """Yield the views that this project has written."""
    # A function of the source begins where its first decorator does.
    first_lines = {(Path(code.co_filename), code.co_firstlineno) for code in _code_of_views()}
    for path in {path for path, _ in first_lines}.intersection(_sources()):
        for function in _functions(path):
            first = min(node.lineno for node in (function, *function.decorator_list))
            if (path, first) in first_lines:
                yield path, function


def _too_long(limit: int, functions: Iterator[tuple[Path, Function]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {_lines(function)} lines"
        for path, function in functions
        if _lines(function) > limit
    ]


@pytest.mark.parametrize("files", [_sources, _style_sheets, _templates])
def test_no_file_is_longer_than_its_limit(files: Callable[[], list[Path]]) -> None:
    counted = {path: len(path.read_text().splitlines()) for path in files()}

    assert counted, "no file was found"
    assert not {str(path.relative_to(ROOT)): n for path, n in counted.items() if n > LINES_OF_A_FILE}


def test_no_line_of_a_template_is_longer_than_its_limit() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"
        for path in _templates()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > CHARACTERS_OF_A_TEMPLATE_LINE
    ]

    assert too_long == []


def test_no_function_is_longer_than_its_limit() -> None:
    functions = ((path, function) for path in _sources() for function in _functions(path))

    assert _too_long(LINES_OF_A_FUNCTION, functions) == []


def test_no_view_is_longer_than_its_limit() -> None:
    views = list(_views())

    names = {function.name for _, function in views}
    assert {"runs", "connection_overview", "get", "choose_theme", "metrics"} <= names, "views were not found"
    assert _too_long(LINES_OF_A_VIEW, iter(views)) == []
