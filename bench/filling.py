"""Databases of the product that hold many events."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from uuid import UUID

from bench.databases import another_product_database
from tests.serving import OwnDatabase


@dataclass(frozen=True)
class Filled:
    """Filled database. `sender`: a connection's id and an API key of it. `seconds`: time that filling took."""

    database: OwnDatabase
    sender: tuple[UUID, str]
    seconds: float


def filled(database: OwnDatabase, name: str, events: int) -> Filled:
    """Create a database on this PostgreSQL that holds `events` events of one connection."""
    made = another_product_database(database, name)
    sender = made.add_sender()
    print(f"storing {events:,} events beforehand", file=sys.stderr)
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "bench.generator", "--connection", str(sender[0]), "--events", str(events)],
        check=True,
        env={**os.environ, "DATABASE_URL": made.url},
    )
    return Filled(made, sender, time.monotonic() - began)
