"""The benchmark says what is missing if it cannot run Marquez."""

import stat
from pathlib import Path

import pytest

from bench.marquez import Missing, java, published_jar


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directory that is the only one on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_no_java() -> None:
    with pytest.raises(Missing, match="there is no `java`"):
        java()


def test_an_old_java(programs: Path) -> None:
    program(programs, "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")

    with pytest.raises(Missing, match=r'Java 17 or newer: .*version "11\.0\.2"'):
        java()


def test_a_java_that_is_new_enough(programs: Path) -> None:
    program(programs, "java", """echo 'openjdk version "21.0.2" 2024-01-16' >&2""")

    assert java() == str(programs / "java")


def test_no_maven(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"there is no `mvn` .*--jar PATH"):
        published_jar("0.50.0", tmp_path)


def test_a_release_that_maven_does_not_find(programs: Path) -> None:
    program(programs, "mvn", "echo '[ERROR] Could not find artifact marquez-api'; exit 1")

    with pytest.raises(Missing, match=r"marquez-api:0\.50\.0, which Maven could not fetch: .*Could not find artifact"):
        published_jar("0.50.0", programs)
