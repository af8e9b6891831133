"""Protocol of a system's room: a `Fetcher` asks one system, and a `Room` says how people set one up."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pull.http.client import Client
from pull.sources.fetched import Batch, DescribedJob, KnownRun, ListedRun, Window
from pull.systems import System


class Step(NamedTuple):
    """Step of a test that a person asked for. `words`: a sentence; what to do, if it did not pass."""

    title: str
    passed: bool
    words: str


# Finds stored runs by the orchestrator's own names of them.
FindRuns = Callable[[Collection[str]], Iterable[KnownRun]]


class OpenRuns(Protocol):
    """Runs that were under way when they were last fetched, by the system's names of them.

    For systems that list runs by their start alone: nothing else tells that an older run has ended.
    """

    def keys(self) -> Collection[str]:
        """All of them, the oldest first."""

    def add(self, keys: Collection[str]) -> None:
        """Remember runs that are under way. Those that are known stay as they are."""

    def remove(self, keys: Collection[str]) -> None:
        """Forget runs, after their end was stored: after the `yield` of its batch has returned."""


class NoOpenRuns:
    """Remembers nothing: for tests of what a person typed."""

    def keys(self) -> Collection[str]:
        return ()

    def add(self, keys: Collection[str]) -> None:
        pass

    def remove(self, keys: Collection[str]) -> None:
        pass


class Fetcher(Protocol):
    """Asks one system. Raises pull.http.faults.Fault where it cannot go on."""

    def now(self) -> datetime | None:
        """Return the system's clock, asking it; None if it does not say."""

    def probe(self) -> Iterator[Step]:
        """Try each thing that fetching needs. Ends after the first step that did not pass."""

    def jobs(self) -> Iterator[DescribedJob]:
        """Describe all jobs."""

    def runs(self, window: Window) -> Iterator[Batch]:
        """Fetch the runs that changed in the window."""

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        """List the runs that began since then, the newest first: `most` of them. Without their tasks."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Field:
    """Field of the form in which people set a source up. `is_secret`: it is encrypted, and never shown again."""

    name: str
    label: str
    help: str = ""
    placeholder: str = ""
    is_secret: bool = False
    required: bool = True
    choices: Sequence[tuple[str, str]] = ()
    initial: str = ""


# Memory of a source between two syncs of one worker. It may be lost at any time.
Memory = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """Means to ask a system: the form's values, the client, stored and open runs, and memory.

    `client_of`: makes a client for another address, such as that of a service which gives tokens.
    """

    config: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)
    client: Client
    client_of: Callable[[str], Client]
    find_runs: FindRuns
    memory: Memory = field(default_factory=dict)
    open_runs: OpenRuns = field(default_factory=NoOpenRuns)


@dataclass(frozen=True, slots=True)
class Room:
    """System that can be fetched from. `url`: the base URL in a form's values."""

    system: System
    fields: Sequence[Field]
    url: Callable[[Mapping[str, str]], str]
    open: Callable[[Opened], Fetcher]
    # What to do about a fault, by its code; beside the fault's own words.
    hints: Mapping[str, str] = field(default_factory=dict)
    # Field → what makes its value of what was typed. It raises ValueError, with a sentence.
    checks: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
