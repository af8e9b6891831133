"""Quick starts of one checkout, with separate data, collect static files into one directory."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.quickstart.conftest import PATIENCE, ROOT

COLLECT = "import django; django.setup(); from quickstart import static_files as it; it.collect_static_files()"


def collecting(into: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.browser.settings", "STATIC_ROOT": str(into)}
    return subprocess.Popen(
        [sys.executable, "-c", COLLECT], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )


def missing_files(root: Path) -> list[str]:
    manifest = json.loads((root / "staticfiles.json").read_text())
    return [name for name in manifest["paths"].values() if not (root / name).is_file()]


def test_starts_at_the_same_time_do_not_clear_away_each_others_files(tmp_path: Path) -> None:
    root = tmp_path / "staticfiles"
    starts = [collecting(root) for _ in range(3)]
    said = [start.communicate(timeout=PATIENCE)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], "\n".join(said)
    assert missing_files(root) == []


def test_what_was_collected_is_left_as_it_is(tmp_path: Path) -> None:
    collecting(tmp_path).communicate(timeout=PATIENCE)
    before = (tmp_path / "staticfiles.json").stat().st_mtime_ns
    collecting(tmp_path).communicate(timeout=PATIENCE)
    assert (tmp_path / "staticfiles.json").stat().st_mtime_ns == before
    assert missing_files(tmp_path) == []
