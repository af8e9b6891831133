"""No committed file contains the host of a package registry, or a path of somebody's machine."""

import re

from tests.house.files import ROOT, committed

# Built from parts, so that this file does not contain what it searches for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "com"),
        ("npmjs", "org"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
    )
]
MACHINE_PATHS = ["/" + place + "/" for place in ("root", "work", "Users/[a-z]+", "home/[a-z]+")]


def _holders(pattern: str) -> list[str]:
    sought = re.compile(pattern.encode())
    return [str(path.relative_to(ROOT)) for path in committed() if sought.search(path.read_bytes())]


def test_no_file_names_a_package_registry() -> None:
    assert _holders("|".join(map(re.escape, REGISTRY_HOSTS))) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    # Only at the start of a word, because `/api/work/` in a URL is no directory of a machine.
    assert _holders(r"(?<![\w.\-}])(?:" + "|".join(MACHINE_PATHS) + ")") == []
