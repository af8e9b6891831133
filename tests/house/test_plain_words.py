"""Docstrings and names are plain words: see the rules of CONTRIBUTING.md.

A docstring opens with a verb or a noun that names its subject. After a pronoun, preposition or conjunction the reader
has to search for the subject. Each word of BANNED has a plainer one, such as `reported` or `received`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.files import ROOT, committed

# First words that name no subject.
BAD_OPENINGS = frozenset(
    (
        *("Of", "That", "Those", "The same", "This", "These", "Whether", "As", "None", "It", "Its", "They", "One"),
        *("What", "Whatever", "Which", "Whichever", "Who", "Whose", "Whom", "Whoever", "How", "However", "Why"),
        *(
            "Where",
            "Wherever",
            "When",
            "Whenever",
            "While",
            "Until",
            "Unless",
            "Without",
            "Within",
            "Beside",
            "Besides",
        ),
        *(
            "To",
            "For",
            "From",
            "By",
            "In",
            "Inside",
            "On",
            "At",
            "With",
            "Under",
            "After",
            "Before",
            "Among",
            "Between",
        ),
        *("Somebody", "Something", "Nobody", "Nothing", "Everybody", "Everything", "Anybody", "Anything", "Others"),
        *("So", "And", "But", "Or", "If", "Also", "Only", "Not", "Except", "Unlike", "Else", "Such", "Here", "There"),
    )
)
BANNED = re.compile(r"\b(?:doubt\w*|told|heard|insist\w*|stands? in|stand-ins?|whoever|the same)\b", re.IGNORECASE)
BANNED_IN_NAMES = frozenset({"doubt", "told", "heard", "insist", "insisted", "whoever"})
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Fault(NamedTuple):
    """Docstring or name that is not plain."""

    path: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words}"


def openings(text: str) -> Iterator[str]:
    """Yield the first word, and the first two, of a docstring."""
    words = re.findall(r"[\w'`-]+", text)
    yield from (words[0] if words else "", " ".join(words[:2]))


def faults_of_docstrings(path: str, tree: ast.Module) -> Iterator[Fault]:
    """Find docstrings with a bad opening or a banned word."""
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)) is not None:
            line = node.body[0].lineno
            if not BAD_OPENINGS.isdisjoint(openings(text)):
                yield Fault(path, line, f"opens with {' '.join(text.split()[:6])!r}")
            for word in BANNED.findall(text):
                yield Fault(path, line, f"says {word!r}")


def faults_of_names(path: str, tree: ast.Module) -> Iterator[Fault]:
    """Find definitions whose names contain a banned word. In tests only helpers count, not variables."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                is_checked = not name.startswith("test_")
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                is_checked = not path.startswith("tests/")
            case _:
                continue
        parts = (part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))
        if is_checked and not BANNED_IN_NAMES.isdisjoint(parts):
            yield Fault(path, node.lineno, f"is named {name}")


def faults_in(path: str, source: str) -> list[Fault]:
    """Find all faults of one file."""
    tree = ast.parse(source)
    return [*faults_of_docstrings(path, tree), *faults_of_names(path, tree)]


def _sources() -> Iterator[tuple[str, Path]]:
    # Migrations are never edited.
    for path in committed(".py"):
        name = str(path.relative_to(ROOT))
        if "migrations" not in path.parts:
            yield name, path


def test_docstrings_and_names_are_plain_words() -> None:
    sources = list(_sources())
    faults = [str(fault) for name, path in sources for fault in faults_in(name, path.read_text())]

    assert len(sources) > 200
    assert not faults, "\n".join(["Not plain words:", *faults])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('"""Whether it runs."""', "opens with 'Whether it runs.'"),
        ('def f():\n    """The same for rows."""', "opens with 'The same for rows.'"),
        ('"""Waits for whoever is first."""', "says 'whoever'"),
        ("told_state = 1", "is named told_state"),
        ("class ToldTask: pass", "is named ToldTask"),
        ("def f(in_doubt): pass", "is named in_doubt"),
    ],
)
def test_a_fault_is_found(source: str, words: str) -> None:
    assert words in [fault.words for fault in faults_in("a.py", source)]


def test_plain_words_are_no_fault() -> None:
    assert faults_in("a.py", '"""Return the toldo, an event as received."""\nuntold = retold = 1') == []
