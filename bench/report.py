"""The figures as one Markdown table, with the machine that they are of."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg

from bench.runner import Results
from bench.subjects import NAIVE, PRODUCT

RESULTS = Path(__file__).parent / "results"


def write(results: Results, *, clients: Sequence[int], database_url: str, directory: Path, method: str) -> str:
    """Saves the report, and returns it."""
    lines = [f"# Intake, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "", *_machine(database_url, directory), method, ""]
    lines += [
        "| | clients | events/s | p50 ms | p99 ms | server + PostgreSQL CPU ms per event |",
        "|---|---|---|---|---|---|",
    ]
    for (name, at_once), found in sorted(results.items(), key=lambda item: (item[0][1], item[0][0])):
        lines.append(
            f"| {name} | {at_once} | {found.events_per_second:,.0f} | {1000 * found.p50:.1f} | "
            f"{1000 * found.p99:.1f} | {1000 * found.cpu_per_event:.2f} |"
        )
    lines += ["", "| ratio | clients | |", "|---|---|---|", *_ratios(results, clients)]
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M}.md").write_text(text)
    return text


def _ratios(results: Results, clients: Sequence[int]) -> list[str]:
    lines = []
    for at_once in clients:
        ours, naive = results[PRODUCT, at_once], results[NAIVE, at_once]
        rate = ours.events_per_second / naive.events_per_second
        lines.append(f"| events/s, intake ÷ naive ORM | {at_once} | {rate:.1f} |")
        lines.append(
            f"| CPU per event, naive ORM ÷ intake | {at_once} | {naive.cpu_per_event / ours.cpu_per_event:.1f} |"
        )
        lines.append(f"| intake's p99 ÷ p50 | {at_once} | {ours.p99 / ours.p50:.1f} |")
    return lines


def _machine(database_url: str, directory: Path) -> list[str]:
    with psycopg.connect(database_url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        }
    text = (
        f"{_processor()}, {os.cpu_count()} cores shared by client, server and database, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB; load at the end {os.getloadavg()[0]:.1f}; "
        f"fdatasync {1e6 * _fdatasync(directory):.0f} µs. "
        f"Python {platform.python_version()}, PostgreSQL {shown['server_version']} "
        f"(fsync {shown['fsync']}, synchronous_commit {shown['synchronous_commit']}, "
        f"shared_buffers {shown['shared_buffers']}); commit {_commit()}."
    )
    return [text, ""]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _fdatasync(directory: Path) -> float:
    """Seconds for 8 KiB to reach the disk: the median of 100."""
    times = []
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        for _ in range(100):
            file.write(b"x" * 8192)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)
