"""Description of the machine: processor, disk, PostgreSQL's settings, commit."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

_SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers")


def describe(*, database_url: str, directory: Path, load: float) -> str:
    """Describe the machine. `load`: its load average before the benchmark. `directory`: on the database's disk."""
    with psycopg.connect(database_url) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in _SETTINGS}  # type: ignore[index]
        compression = _compression(connection)
    return (
        f"{_processor()}, {os.cpu_count()} cores shared by client, server and database, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB; load average before the start {load:.1f}; "
        f"fdatasync {1e6 * _fdatasync(directory):.0f} µs. "
        f"Python {platform.python_version()}, PostgreSQL {shown['server_version']} "
        f"(fsync {shown['fsync']}, synchronous_commit {shown['synchronous_commit']}, "
        f"shared_buffers {shown['shared_buffers']}, texts compressed with {compression}); commit {_commit()}."
    )


def _compression(connection: psycopg.Connection) -> str:
    """Compression of the references' bodies: lz4 if the server supports it. The product compresses bodies itself."""
    row = connection.execute(
        "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    ).fetchone()
    return "lz4" if row and row[0] else "pglz"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _fdatasync(directory: Path) -> float:
    """Measure the seconds in which 8 KiB reach the disk: the median of 100."""
    sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
    times = []
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        for _ in range(100):
            file.write(b"x" * 8192)
            file.flush()
            began = time.perf_counter()
            sync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)
