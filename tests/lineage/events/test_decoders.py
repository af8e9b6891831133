"""Decoders of types that several threads need for the first time at once. msgspec (0.22) crashes then by itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT

# Each round has types that no thread has decoded before. A crash ends the process, so it is one of its own.
_MANY_THREADS = """
import sys, threading
from msgspec import Raw, Struct
from lineage.events.facets import read_facet

sys.setswitchinterval(1e-6)

def new_type():
    fields = {f"f{number}": "int | None" for number in range(30)}
    names = {name: None for name in fields}
    globals()["Inner"] = type("Inner", (Struct,), {"__annotations__": fields, "__module__": __name__, **names})
    fields = {"inner": "Inner", "all": "list[Inner]"}
    return type("Outer", (Struct,), {"__annotations__": fields, "__module__": __name__})

for body in (b'{"inner": {"f0": 1, "f29": 2}, "all": [{"f3": 3}]}', b'{"inner": {"f0": "x", "f29": 2}, "all": []}'):
    for _ in range(20):
        shape, start, right = new_type(), threading.Barrier(8), []
        def read():
            start.wait()
            right.append(read_facet(Raw(body), shape).inner.f29 == 2)
        threads = [threading.Thread(target=read) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert right == [True] * 8
"""


def test_threads_that_decode_a_type_first_and_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", _MANY_THREADS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


ROOMS = ("api", "audit", "connections", "lineage", "observability", "people", "pull", "quickstart", "server", "web")


@pytest.mark.parametrize("room", ROOMS)
def test_no_decoder_is_made_while_threads_run(room: str) -> None:
    """Functions make decoders with made_once alone: one at a time."""
    found = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file in (ROOT / room).rglob("*.py")
        if file != ROOT / "lineage/events/decoders.py"
        for call in _calls_in_functions(file)
    ]
    assert not found


def _calls_in_functions(file: Path) -> Iterator[ast.Call]:
    """Find the calls in functions that make a decoder of msgspec."""
    tree = ast.parse(file.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        ones = [call for call in calls if ast.unparse(call.func) == "made_once"]
        allowed = {id(inner) for one in ones for inner in ast.walk(one)}
        for call in calls:
            called = ast.unparse(call.func)
            makes = called.endswith("msgspec.json.Decoder") or (
                called in {"msgspec.json.decode", "msgspec.convert"} and any(k.arg == "type" for k in call.keywords)
            )
            if makes and id(call) not in allowed:
                yield call
