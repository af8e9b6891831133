"""Collecting the static files, only when they changed: compressing them takes seconds."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_static_files() -> None:
    """Raises OSError where STATIC_ROOT cannot be written."""
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    stamp = root / ".collected"
    wanted = _fingerprint()
    with _alone_in(root):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        # First: a collection that breaks off is no collection, whatever the clearing had reached.
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(wanted)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Two starts of one checkout, with data of their own, have these files in common."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _fingerprint() -> str:
    """Of every source's path, size and time of change."""
    lines = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()
            lines.append(f"{storage.path(name)} {facts.st_size} {facts.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
