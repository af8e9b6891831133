"""`python -m bench`, as `make bench` runs it: with every reference, but shorter."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_ladder_of_single_events(tmp_path: Path) -> None:
    done = bench("--only", "singles", "--rounds", "1", "--seconds", "0.1", "--results", str(tmp_path))

    assert done.returncode == 0, done.stderr
    [saved] = tmp_path.glob("*.md")
    report = saved.read_text()
    assert report in done.stdout
    rows = [line.split(" | ")[:2] for line in report.splitlines() if line.startswith("| ")]
    for subject in ("naive ORM", "raw INSERT", "intake", "decode only"):
        assert [clients for name, clients in rows if name == f"| {subject}"] == ["1", "8", "32", "64"]
    assert "| events/s, intake ÷ naive ORM, 32 clients | " in report
    if sys.platform == "linux":
        assert "| peak memory (RSS) of a server process, 64 clients | " in report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "speed"], "no such part: speed"),
        (["--stored", "1234"], "must be a multiple of 20,000"),
    ],
)
def test_what_it_cannot_do_is_refused_before_it_starts(arguments: list[str], said: str) -> None:
    done = bench(*arguments)

    assert done.returncode == 2
    assert said in done.stderr
