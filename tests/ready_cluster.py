"""A migrated PostgreSQL cluster that is made once, and copied from then on: for each test session, or for all of CI's.

Making one takes 3 s of a processor, most of it for the migrations; copying its 40 MB takes a tenth of a second.
"""

import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from quickstart.postgres import Cluster
from tests.shared_directory import SHARED

# Several sessions share one where the environment names a directory.
_NAMED = os.environ.get("OBSERVATORY_TESTS_CLUSTER")
IS_SHARED = bool(_NAMED)
_DIRECTORY = Path(_NAMED or SHARED)
_MODEL = _DIRECTORY / "postgres"


def copy_ready_cluster(directory: Path, migrate: Callable[[Cluster], None]) -> None:
    """Makes `directory`, with the files of a stopped cluster. The first caller migrates the model."""
    with (_DIRECTORY / "postgres.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not _MODEL.exists():
            draft = Cluster(_DIRECTORY / "draft", _DIRECTORY / "draft.txt")
            draft.start()
            try:
                migrate(draft)
            finally:
                draft.stop()
            draft.directory.rename(_MODEL)
    # Not shutil: the files stay those of the account that PostgreSQL runs as.
    subprocess.run(["cp", "-a", _MODEL, directory], check=True)
