"""Environments of real senders: each has its own, because its dependencies are not the product's."""

import fcntl
import subprocess
import sys
from pathlib import Path

from tests.serving import ROOT

# Packages of old senders do not install on newer ones.
NEWEST_FOR_OLD = (3, 12)


def install(environment: Path, lock: Path, *, is_old: bool = False) -> Path:
    """Return the environment's directory of commands. Installs it if the lock is newer.

    `is_old`: it needs Python 3.11 or 3.12. Processes that call this at once wait for one another.
    """
    stamp = environment / ".installed"
    with lock.open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
            # With this Python, for which the lock was made.
            _fill(environment, lock, _old_python() if is_old else sys.executable)
            stamp.touch()
    return environment / "bin"


def _fill(environment: Path, lock: Path, python: str) -> None:
    """Install a lock with this environment's own uv, which takes a third of the time of requirements/install.

    That one does it where uv cannot.
    """
    uv, interpreter = [sys.executable, "-m", "uv"], environment / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([*uv, "venv", "--quiet", "--python", python, environment], check=True)
    options = ["--quiet", "--require-hashes", "--python", str(interpreter), "--requirement", str(lock)]
    if subprocess.run([*uv, "pip", "install", *options], check=False).returncode != 0:
        subprocess.run([ROOT / "requirements" / "install", environment, lock.relative_to(ROOT)], check=True, cwd=ROOT)


def _old_python() -> str:
    if sys.version_info[:2] <= NEWEST_FOR_OLD:
        return sys.executable
    for python in ("python3.12", "python3.11"):
        try:
            # A version manager's command may exist and yet run nothing.
            subprocess.run([python, "-c", ""], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    raise RuntimeError("Old senders need Python 3.11 or 3.12 on the PATH: python3.12 or python3.11")
