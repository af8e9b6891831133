"""File system that can be filled: a small one in memory. Only processes that may mount can use it."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

MIB = 1024 * 1024


class SmallDisk:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ballast = directory / "ballast"

    def fill(self, *, leaving: int = 0) -> None:
        """Fill the disk except for `leaving` bytes; with 0, to the last block, even if others write meanwhile."""
        with self._ballast.open("ab", buffering=0) as ballast:
            system = os.fstatvfs(ballast.fileno())
            room = system.f_bavail * system.f_frsize - leaving
            if leaving and room > 0:
                os.posix_fallocate(ballast.fileno(), ballast.tell(), room)
            while not leaving:
                try:
                    ballast.write(bytes(64 * 1024))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(size: int) -> Iterator[SmallDisk]:
    """Mount a disk of `size` bytes. Raises CalledProcessError if this process may not mount it."""
    # Short: a Unix socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="obs-disk-", ignore_cleanup_errors=True) as directory:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", directory]
        subprocess.run(mount, check=True, capture_output=True)
        try:
            yield SmallDisk(Path(directory))
        finally:
            # Lazily, because another process may still use it.
            subprocess.run(["umount", "--lazy", directory], check=True)


@cache
def can_mount() -> bool:
    if os.geteuid() != 0:
        return False
    with suppress(subprocess.CalledProcessError, FileNotFoundError), small_disk(MIB):
        return True
    return False
