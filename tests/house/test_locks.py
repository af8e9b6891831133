"""The locks say exactly what is installed, agree with one another, and hold what pyproject.toml asks for."""

import re
import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.files import ROOT

LOCKS = ("production", "quickstart", "dev", "installer")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>\S+)", re.MULTILINE)


def _pins(lock: str) -> set[tuple[str, str]]:
    text = (ROOT / f"requirements/{lock}.lock").read_text()
    return {(canonicalize_name(pin["name"]), pin["version"]) for pin in PIN.finditer(text)}


def _asked_for() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    production = project["project"]["dependencies"]
    quickstart = production + project["project"]["optional-dependencies"]["quickstart"]
    dev = quickstart + project["dependency-groups"]["dev"]
    return {
        lock: [Requirement(text) for text in texts]
        for lock, texts in (("production", production), ("quickstart", quickstart), ("dev", dev))
    }


@pytest.mark.parametrize("lock", ["production", "quickstart", "dev"])
def test_a_lock_holds_what_the_project_asks_for(lock: str) -> None:
    pins: dict[str, set[str]] = {}
    for name, pinned in _pins(lock):
        pins.setdefault(name, set()).add(pinned)

    assert [
        str(asked)
        for asked in _asked_for()[lock]
        if not any(asked.specifier.contains(pin) for pin in pins.get(canonicalize_name(asked.name), ()))
    ] == []


@pytest.mark.parametrize("lock", ["production", "quickstart", "installer"])
def test_the_locks_agree(lock: str) -> None:
    assert _pins(lock) <= _pins("dev")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / f"requirements/{lock}.lock").read_text())

    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_is_installed_is_what_is_locked() -> None:
    production = dict(_pins("production"))

    assert version("django") == production["django"]
    assert version("psycopg") == production["psycopg"]
