"""Part: the load client compared with wrk, if that is installed. The client's time is missing to the servers."""

import shutil
import statistics
import subprocess

from bench.events import bodies
from bench.options import Options
from bench.report import Section, Table
from bench.runner import Case, measure
from bench.subjects import Subject, decode_only

CLIENTS = (8, 32, 64)
_ROUNDS = 3
_SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
"""


def run(options: Options) -> Section | None:
    """Measure the client. None: wrk is not installed."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return None
    rows: Table = [["clients", "bench/load.py, requests/s", "wrk, requests/s", "ratio"]]
    with options.own_database() as database, decode_only(database, options.directory) as subject:
        for clients in CLIENTS:
            ours, theirs = [], []
            for _ in range(min(_ROUNDS, options.rounds)):
                results = measure([Case(subject, clients)], rounds=1, seconds=options.seconds, postgres=database.pid)
                ours.append(results[subject.name, clients, 1].events_per_second)
                theirs.append(_wrk(wrk, subject, clients, options))
            mine, wrks = statistics.median(ours), statistics.median(theirs)
            rows.append([str(clients), f"{mine:,.0f}", f"{wrks:,.0f}", f"{mine / wrks:.2f}"])
    return Section(
        title="The load client",
        text=(
            f"Medians of {min(_ROUNDS, options.rounds)} rounds of {options.seconds:g} s, in turns, against the "
            "decode-only reference, the fastest of all. wrk repeats one event; bench/load.py makes a new event for "
            "each request, and checks each response."
        ),
        table=rows,
    )


def _wrk(wrk: str, subject: Subject, clients: int, options: Options) -> float:
    """Measure requests per second."""
    body, script = options.directory / "body.json", options.directory / "post.lua"
    body.write_bytes(next(bodies(seed=0)))
    script.write_text(_SCRIPT.format(body=body))
    command = [wrk, "-t1", f"-c{clients}", f"-d{max(1, round(options.seconds))}s", "-s", str(script)]
    command.append(f"http://127.0.0.1:{subject.port}{subject.path}")
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"wrk was refused:\n{done.stdout}")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("Requests/sec:")]
    return float(line.split()[1])
