"""Places: no way out of PULL_LOCAL_ROOT, and a test that says what is missing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pull.actions import probe
from pull.http.faults import Fault
from pull.sources.dbt.artifacts import RUN_RESULTS
from pull.sources.dbt.fetcher import is_in
from pull.sources.dbt.places import Directory
from pull.sources.fetched import Window
from tests.pull.conftest import ALLOWED
from tests.pull.dbt.artifacts import COMMANDS, NAMESPACE, TABLES, copied_to


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / RUN_RESULTS).write_text("canary")
    copied_to(tmp_path / "root" / "shop")
    return tmp_path / "root"


@pytest.mark.parametrize(
    "place", ["../secret", "shop/../../secret", "/etc", "link", "shop/\0", "nothing", "file:///etc"]
)
def test_only_what_is_below_the_root_is_read(root: Path, place: str) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    with pytest.raises(Fault, match=r"not below|no directory|There is no"):
        Directory(str(root), place).find({})


def test_links_in_a_directory_lead_nowhere_else(root: Path) -> None:
    shop = root / "shop"
    (shop / "more").symlink_to(root.parent / "secret")
    (shop / "circle").symlink_to(shop)
    (shop / "build" / RUN_RESULTS).unlink()
    (shop / "build" / RUN_RESULTS).symlink_to(root.parent / "secret" / RUN_RESULTS)
    (root / "latest").symlink_to(shop)
    place = Directory(str(root), "latest")
    found = [artifacts.name for artifacts in place.find({})]
    assert sorted(found) == sorted(f"{command}/{RUN_RESULTS}" for command in (*COMMANDS, "docs"))
    with pytest.raises(Fault, match="not below"):
        place.read(f"build/{RUN_RESULTS}")
    with pytest.raises(Fault, match="not below"):
        place.read(f"../../secret/{RUN_RESULTS}")


def test_directories_are_off_without_the_setting() -> None:
    with pytest.raises(Fault, match="PULL_LOCAL_ROOT"):
        Directory("", "shop").find({})


def steps(place: str, tables: str = TABLES) -> list[tuple[bool, str]]:
    config = {"place": place, "namespace": NAMESPACE, "tables": tables}
    return [(step.passed, step.words) for step in probe(system="dbt", config=config, secret={}, allowed=ALLOWED)]


def test_the_test_of_a_source_says_what_is_missing(root: Path, settings: Any) -> None:
    settings.PULL_LOCAL_ROOT = str(root)
    assert steps("shop/test")[1][1] == "dbt test, ended 2026-12-01 15:45:07 UTC: 28 results."
    assert steps("shop/docs")[1][1].endswith("Results of run, build, test, seed and snapshot are fetched.")
    assert [passed for passed, _ in steps("shop")] == [True] * 4
    assert steps("shop")[-1][1] == "12 tables; columns of 9 from catalog.json."
    assert steps("shop", "bigquery")[-1] == (
        False,
        "The project is for duckdb: the namespace of its tables begins with duckdb://",
    )
    (root / "empty").mkdir()
    assert steps("empty") == [(False, "There is no run_results.json in it. dbt writes it at the end of a command.")]
    results = json.loads((root / "shop" / "run" / RUN_RESULTS).read_text())
    results["results"][0]["unique_id"] = 5
    (root / "shop" / "run" / RUN_RESULTS).write_text(json.dumps(results))
    passed, words = steps("shop/run")[-1]
    assert not passed
    assert words.startswith("run_results.json is no such file of dbt 1.3 or newer: Expected `str`, got `int`")
    assert words.endswith("at `$.results[0].unique_id`.")
    assert steps("ftp://example.com")[-1] == (False, f"There is no directory ftp://example.com below {root}.")


def test_windows_take_what_was_written_or_came_in_them() -> None:
    until = datetime(2026, 12, 1, tzinfo=UTC)
    window = Window(until - timedelta(hours=1), until, is_newest=True)
    inside, before = until - timedelta(minutes=30), until - timedelta(days=2)
    assert is_in(window, inside, until + timedelta(days=1))
    assert is_in(window, before, inside)
    assert is_in(window, before, None)
    assert not is_in(window, before, before)
    assert not is_in(window, until - timedelta(days=9), inside)
    assert not is_in(window, until, until)
