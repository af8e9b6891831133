"""Every room is in an import contract, and has a README.md with its responsibility."""

import tomllib
from pathlib import Path

from tests.house.files import ROOT, committed

# Programs for developers, which the product must not need.
NOT_THE_PRODUCT = {"bench", "tests", "vendor"}
# Folders whose subfolders are rooms.
HOUSES = (".", "lineage", "web")
# Folders that Django requires.
NO_ROOMS = {"management", "migrations"}


def _packages(house: str) -> list[Path]:
    inside = ROOT / house
    return sorted(
        {path.parent for path in committed(".py") if path.name == "__init__.py" and path.parents[1] == inside}
    )


def _configuration() -> dict[str, list[str]]:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = linter["contracts"][0]["layers"]
    return {
        "root_packages": linter["root_packages"],
        "layers": [room for layer in layers for room in layer.split(" | ")],
    }


def test_every_package_is_in_the_contract_of_rooms() -> None:
    """Contracts inside rooms are exhaustive; import-linter has no such option for the packages at the top."""
    packages = {path.name for path in _packages(".")} - NOT_THE_PRODUCT

    assert packages >= {"lineage", "web"}
    assert {name: set(rooms) for name, rooms in _configuration().items()} == dict.fromkeys(_configuration(), packages)


def test_every_room_says_what_it_is_for() -> None:
    rooms = [path for house in HOUSES for path in _packages(house) if path.name not in NO_ROOMS | {"tests"}]

    assert [str(path.relative_to(ROOT)) for path in rooms if not (path / "README.md").exists()] == []
