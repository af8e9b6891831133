"""Former values of SECRET_KEY are read from a file as SECRET_KEY itself is."""

import os
import subprocess
import sys
from pathlib import Path

from tests.serving import ROOT


def test_spaces_and_line_ends_around_former_values_do_not_count(tmp_path: Path) -> None:
    former = tmp_path / "former"
    former.write_text("first , second\n")
    command = "from observability import settings; print(settings.SECRET_KEY_FALLBACKS)"
    told = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY_FALLBACKS_FILE": str(former)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip() == "['first', 'second']"
