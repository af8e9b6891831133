"""The locks: what each pins, with which extras, and which extras the packages themselves ask for."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.serving import ROOT

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]*)\])?==(?P<version>\S+)", re.MULTILINE)
# Name, extra and version; the extra "" is the package alone, which is pinned apart.
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
    """What the locked packages ask for with an extra that the lock does not pin: pip would not install it by hashes,
    though uv does. `installed`: where the packages' metadata is."""
    pinned = {(name, extra) for name, extra, _ in pins_of(lock)}
    return sorted(
        f"{distribution.name}: {asked}"
        for distribution in installed
        for asked in map(Requirement, distribution.requires or ())
        if any(
            asked.marker is None or asked.marker.evaluate({"extra": extra})
            for name, extra in pinned
            if name == canonicalize_name(distribution.name)
        )
        and not {(canonicalize_name(asked.name), canonicalize_name(extra)) for extra in asked.extras} <= pinned
    )
