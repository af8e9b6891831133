"""A pytest plugin (`-p tests.embedded_database`): a PostgreSQL of its own for each test session.

Loaded before Django's settings are. DATABASE_URL, where it is set, names another server to test on. Where tests run in
several processes (`-n`), each has a server of its own, so that it may end sessions or fill the disk.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from quickstart.data_directory import DataDirectory
from quickstart.lease import Lease

os.environ.setdefault("SECRET_KEY", "for-tests-only")

# Tells the processes that pytest starts that DATABASE_URL is not its caller's.
_STARTED = "OBSERVATORY_TESTS_DATABASE"
# The one whose process starts the others runs no tests: the first of them has it.
_HEIR = "gw0"


def _start() -> None:
    # Short: a Unix socket's path has at most 107 characters.
    root = Path(tempfile.mkdtemp(prefix="obs-test-"))
    root.chmod(0o711)
    lease = Lease(DataDirectory(root))
    lease.join()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    atexit.register(lease.leave)
    _keep_autovacuum_away(lease.url)
    os.environ["DATABASE_URL"] = os.environ[_STARTED] = lease.url


def _keep_autovacuum_away(url: str) -> None:
    """Most tests commit nothing. Where autovacuum finds their rows it counts the pages of a table, and no row in them;
    from then on PostgreSQL expects one row from any index, and may read all of an index for each row it looks up."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ALTER SYSTEM SET autovacuum = off")
        session.execute("SELECT pg_reload_conf()")


def _is_of_another_process() -> bool:
    started = os.environ["DATABASE_URL"] == os.environ.get(_STARTED)
    return started and os.environ.get("PYTEST_XDIST_WORKER") != _HEIR


if "DATABASE_URL" not in os.environ or _is_of_another_process():
    _start()
