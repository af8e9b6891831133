"""What a run of the benchmark was asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.serving import OwnDatabase, own_database


@dataclass(frozen=True)
class Options:
    """`stored` events lie below the intake that is compared with an empty one; pages are timed over the two numbers of
    events in `pages`. `postgres` is the directory of PostgreSQL's programs; None: the embedded one's. Without a
    `marquez_jar` Maven fetches that of `marquez_version`. `directory` is for logs, and gone afterwards."""

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
        """A PostgreSQL with the product's tables, for one part alone. With a `port` it listens there too."""
        with own_database(programs=self.postgres, port=port) as database:
            yield database

    @property
    def method(self) -> str:
        return f"Medians of {self.rounds} interleaved rounds of {self.seconds:g} s."
