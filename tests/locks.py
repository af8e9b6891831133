"""Locks: the pins of each, with their extras, and the extras that the packages need."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.serving import ROOT

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]*)\])?==(?P<version>\S+)", re.MULTILINE)
# Name, extra and version; the extra "" means the package without one, which has a pin of its own.
Pin = tuple[str, str, str]


def text_of(lock: str) -> str:
    return (ROOT / f"requirements/{lock}.lock").read_text()


def pins_of(lock: str) -> set[Pin]:
    return {
        (canonicalize_name(pin["name"]), canonicalize_name(extra.strip()), pin["version"])
        for pin in _PIN.finditer(text_of(lock))
        for extra in (pin["extras"] or "").split(",")
    }


def unpinned_extras(lock: str, installed: Iterable[Distribution]) -> list[str]:
    """Return requirements with an extra that the lock does not pin: pip would not install them by hashes, though uv
    does.

    `installed`: packages with their metadata.
    """
    pinned = {(name, extra) for name, extra, _ in pins_of(lock)}
    return sorted(
        f"{name}: {asked}"
        for name, requirements in ((distribution.name, distribution.requires or ()) for distribution in installed)
        for asked in map(Requirement, requirements)
        if asked.extras
        and not {(canonicalize_name(asked.name), canonicalize_name(extra)) for extra in asked.extras} <= pinned
        and _is_asked_for(asked, {extra for package, extra in pinned if package == canonicalize_name(name)})
    )


def _is_asked_for(requirement: Requirement, extras: set[str]) -> bool:
    """Tell if a package that is installed with these extras has this requirement."""
    return any(requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in extras)
