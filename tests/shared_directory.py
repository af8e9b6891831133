"""A directory that all processes of a test session share: the first makes it, those that it starts find it here."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_VARIABLE = "OBSERVATORY_TESTS_SHARED"


def _shared() -> Path:
    if _VARIABLE not in os.environ:
        # Short: a Unix socket's path has at most 107 characters.
        directory = tempfile.mkdtemp(prefix="obs-all-")
        Path(directory).chmod(0o711)  # As root, PostgreSQL runs as another user.
        os.environ[_VARIABLE] = directory
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(os.environ[_VARIABLE])


SHARED = _shared()
