"""`python -m bench`: measures the intake beside its references, prints the table and saves it under bench/results/."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import report, runner, subjects
from tests.serving import own_database

CLIENTS = [1, 8, 32]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds, for a first impression")
    parser.add_argument("--rounds", type=int, help="how many (default: 5)")
    parser.add_argument("--seconds", type=float, help="of each measurement (default: 4)")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 5)
    seconds = options.seconds or (2.0 if options.quick else 4.0)

    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="obs-bench-")))
        database = stack.enter_context(own_database())
        measured = [stack.enter_context(subject(database, directory)) for subject in subjects.ALL]
        results = runner.measure(measured, CLIENTS, rounds=rounds, seconds=seconds, postgres=database.pid)
        method = (
            f"Medians of {rounds} interleaved rounds of {seconds:g} s. Events of 5.5 KB with 3 datasets, two for each "
            "run; two server processes each; the load client is bench/load.py. "
            "Stored rows equalled acknowledged events."
        )
        print(report.write(results, clients=CLIENTS, database_url=database.url, directory=directory, method=method))


if __name__ == "__main__":
    main()
