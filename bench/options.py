"""Options of a benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.serving import OwnDatabase, own_database


@dataclass(frozen=True)
class Options:
    """Options of a benchmark.

    `stored`: number of events in the database of the intake that is compared with an empty one. `pages`: two numbers of
    events with which pages are measured. `postgres`: directory of PostgreSQL's programs; None: those of the embedded
    one. Without a `marquez_jar` Maven fetches that of `marquez_version`. `directory`: for logs; deleted afterwards.
    """

    rounds: int
    seconds: float
    stored: int
    pages: tuple[int, int]
    postgres: Path | None
    marquez_jar: Path | None
    marquez_version: str
    directory: Path

    @contextmanager
    def own_database(self, *, port: int | None = None) -> Iterator[OwnDatabase]:
        """Start a PostgreSQL with the product's tables for one part. With a `port` it also listens there."""
        with own_database(programs=self.postgres, port=port) as database:
            yield database

    @property
    def method(self) -> str:
        return f"Medians of {self.rounds} interleaved rounds of {self.seconds:g} s."
