"""Command `python -m bench`: measures the product and its references, prints the report and saves it in
bench/results/."""

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import report
from bench.machine import describe
from bench.marquez import VERSION
from bench.options import Options
from bench.parts import batches, client, lineage, marquez, pages, singles, stored

PARTS = {
    "singles": singles.run,
    "batches": batches.run,
    "stored": stored.run,
    "pages": pages.run,
    "lineage": lineage.run,
    "client": client.run,
    "marquez": marquez.run,
}
USUAL = ["singles", "batches", "stored", "pages", "lineage", "client"]
QUICK = ["singles", "batches"]


def main() -> None:
    load, now, began = os.getloadavg()[0], datetime.now(UTC), time.monotonic()
    asked = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="obs-bench-") as directory:
        options = Options(
            rounds=asked.rounds or (2 if asked.quick else 5),
            seconds=asked.seconds or (1.0 if asked.quick else 4.0),
            stored=asked.stored,
            pages=(asked.pages // 100, asked.pages),
            postgres=asked.postgres,
            marquez_jar=asked.jar,
            marquez_version=asked.marquez,
            directory=Path(directory),
        )
        with options.own_database() as database:
            machine = describe(database_url=database.url, directory=options.directory, load=load)
        found = [PARTS[name](options) for name in asked.only or (QUICK if asked.quick else USUAL)]
    sections = [section for section in found if section is not None]
    text = report.as_markdown(sections, machine=machine, now=now, seconds=time.monotonic() - began)
    print(text)
    print(f"saved as {report.save(text, directory=asked.results, now=now)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=_parts,
        metavar="PART,…",
        help=f"parts to run: {', '.join(PARTS)} (default: all but the last; client needs wrk)",
    )
    parser.add_argument("--quick", action="store_true", help="first impression: short rounds, no stored events")
    parser.add_argument("--rounds", type=int, help="number of rounds (default: 5)")
    parser.add_argument("--seconds", type=float, help="duration of each measurement (default: 4)")
    parser.add_argument(
        "--stored", type=_events, default=5_000_000, help="events stored before intake (default: %(default)s)"
    )
    parser.add_argument(
        "--pages",
        type=_events,
        default=1_000_000,
        help="events stored before pages, and a hundredth of it (default: %(default)s)",
    )
    parser.add_argument(
        "--postgres", type=Path, metavar="DIR", help="directory of another PostgreSQL's programs (≥ 15)"
    )
    parser.add_argument(
        "--marquez", default=VERSION, metavar="VERSION", help="release of Marquez (default: %(default)s)"
    )
    parser.add_argument("--jar", type=Path, help="Marquez's jar, instead of one that Maven fetches")
    parser.add_argument(
        "--results", type=Path, default=report.RESULTS, help="directory for the report (default: bench/results)"
    )
    return parser


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - PARTS.keys():
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return names


def _events(text: str) -> int:
    """Parse a number of events: runs have five events, jobs forty runs, and pages are also measured over a
    hundredth."""
    events = int(text)
    if events <= 0 or events % 20_000:
        raise argparse.ArgumentTypeError("must be a multiple of 20,000")
    return events


if __name__ == "__main__":
    main()
