"""The locks match the installed packages, agree with each other, and contain what pyproject.toml asks for."""

import re
import tomllib
from importlib.metadata import distributions, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.files import ROOT
from tests.locks import pins_of, text_of, unpinned_extras

LOCKS = sorted(path.stem for path in (ROOT / "requirements").glob("*.lock"))


def _asked_for() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    production = project["project"]["dependencies"]
    quickstart = production + project["project"]["optional-dependencies"]["quickstart"]
    groups = project["dependency-groups"]
    asked = {"production": production, "quickstart": quickstart, **groups, "dev": quickstart + groups["dev"]}
    return {lock: [Requirement(text) for text in texts] for lock, texts in asked.items()}


def test_all_locks_are_looked_at() -> None:
    assert sorted([*_asked_for(), "installer"]) == LOCKS


@pytest.mark.parametrize("lock", _asked_for())
def test_a_lock_holds_what_the_project_asks_for(lock: str) -> None:
    pins: dict[tuple[str, str], set[str]] = {}
    for name, extra, pinned in pins_of(lock):
        pins.setdefault((name, extra), set()).add(pinned)

    assert [
        str(asked)
        for asked in _asked_for()[lock]
        for extra in ("", *asked.extras)
        if not any(asked.specifier.contains(pin) for pin in pins.get((canonicalize_name(asked.name), extra), ()))
    ] == []


@pytest.mark.parametrize("lock", ["production", "quickstart", "installer"])
def test_the_locks_agree(lock: str) -> None:
    assert pins_of(lock) <= pins_of("dev")


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_pinned_with_an_extra_is_pinned_alone(lock: str) -> None:
    """requirements/pin-extras leaves both: pip treats them as two requirements, and needs a pin for each."""
    pins = pins_of(lock)
    assert {(name, "", pinned) for name, _, pinned in pins} <= pins


@pytest.mark.parametrize("lock", ["production", "quickstart", "dev"])
def test_pip_finds_each_extra_pinned(lock: str) -> None:
    """tests/senders checks its own environments likewise."""
    assert unpinned_extras(lock, distributions()) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", text_of(lock))

    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_is_installed_is_what_is_locked() -> None:
    production = {name: pinned for name, _, pinned in pins_of("production")}

    assert version("django") == production["django"]
    assert version("psycopg") == production["psycopg"]
