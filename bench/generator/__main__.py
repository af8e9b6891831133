"""Command `python -m bench.generator --connection ID --events 1000000`: fills the migrated database in DATABASE_URL."""

import argparse
import os
from datetime import UTC, datetime
from uuid import UUID

import django


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.generator", description=__doc__)
    parser.add_argument("--connection", type=UUID, required=True, help="the id of a connection without events")
    parser.add_argument("--events", type=int, default=1_000_000, help="a multiple of 200 (default: %(default)s)")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "observability.settings")
    os.environ.setdefault("SECRET_KEY", "for-benchmarks-only")
    django.setup()

    from bench.generator.fill import fill  # noqa: PLC0415 - needs Django to be set up
    from bench.generator.plan import Plan  # noqa: PLC0415

    fill(
        url=os.environ["DATABASE_URL"],
        connection_id=options.connection,
        plan=Plan(options.events, until=datetime.now(UTC)),
        processes=os.cpu_count() or 2,
    )


if __name__ == "__main__":
    main()
