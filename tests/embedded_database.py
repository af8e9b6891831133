"""A pytest plugin (`-p tests.embedded_database`): a PostgreSQL of its own for each test session.

Loaded before Django's settings are. DATABASE_URL, where it is set, names another server to test on.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from observability.quickstart.data_directory import DataDirectory
from observability.quickstart.lease import Lease

os.environ.setdefault("SECRET_KEY", "for-tests-only")


def _start() -> None:
    # Short: a Unix socket's path has at most 107 characters.
    root = Path(tempfile.mkdtemp(prefix="obs-test-"))
    root.chmod(0o711)
    lease = Lease(DataDirectory(root))
    lease.join()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    atexit.register(lease.leave)
    os.environ["DATABASE_URL"] = lease.url


if "DATABASE_URL" not in os.environ:
    _start()
