"""pytest plugin (`-p tests.embedded_database`): a PostgreSQL for each test session.

It is loaded before Django's settings. DATABASE_URL, if set, names another server for the tests. If tests run in several
processes (`-n`), each has a server of its own, so that it may end sessions or fill the disk.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from quickstart.data_directory import DataDirectory
from quickstart.lease import Lease
from tests.ready_cluster import IS_SHARED
from tests.serving import put_migrated_cluster

os.environ.setdefault("SECRET_KEY", "for-tests-only-and-as-long-as-a-key-must-be-0123456789")

# Tells processes started by pytest that DATABASE_URL was set by this plugin.
_STARTED = "OBSERVATORY_TESTS_DATABASE"
# The process that starts the others runs no tests, so the first of these takes over its server.
_HEIR = "gw0"


def _start() -> None:
    # Short: a Unix socket's path has at most 107 characters.
    root = Path(tempfile.mkdtemp(prefix="obs-test-"))
    root.chmod(0o711)
    data = DataDirectory(root)
    if IS_SHARED:
        put_migrated_cluster(data.postgres)
    lease = Lease(data)
    lease.join()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    atexit.register(lease.leave)
    _keep_autovacuum_away(lease.url)
    os.environ["DATABASE_URL"] = os.environ[_STARTED] = lease.url


def _keep_autovacuum_away(url: str) -> None:
    """Switch autovacuum off. Most tests commit nothing, so it would count the pages of a table, and find no row in
    them.

    PostgreSQL would then expect one row from any index, and might read a whole index for each row.
    """
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ALTER SYSTEM SET autovacuum = off")
        session.execute("SELECT pg_reload_conf()")


def _is_of_another_process() -> bool:
    started = os.environ["DATABASE_URL"] == os.environ.get(_STARTED)
    return started and os.environ.get("PYTEST_XDIST_WORKER") != _HEIR


if "DATABASE_URL" not in os.environ or _is_of_another_process():
    _start()

# Whether the server's own database has the product's tables, and no user.
IS_MIGRATED = IS_SHARED and os.environ["DATABASE_URL"] == os.environ.get(_STARTED)
