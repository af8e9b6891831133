"""Files that a commit would contain: tracked ones, and new ones that are not ignored."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def committed(*suffixes: str) -> list[Path]:
    """Return absolute paths of the repository's files; with `suffixes`, only those that end with one of them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = [ROOT / name for name in sorted(set(listed.split("\0"))) if name.endswith(suffixes or "")]
    return [path for path in paths if path.is_file()]
