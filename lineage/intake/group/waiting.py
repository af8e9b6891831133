"""A submission that waits to be committed, and its sender for the answer."""

import threading
import time
from collections.abc import Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from lineage.digest.digest import Submission
from lineage.events import Event
from lineage.intake.accounting import count_events
from lineage.intake.answers import Code
from lineage.intake.commit import NOTHING_STORED, Committed
from lineage.intake.metrics import rejected

Ticket = TypeVar("Ticket")

# Limits of one transaction, for which all requests wait that come meanwhile. Larger ones make no event cheaper.
MAX_EVENTS: Final = 250
MAX_ROWS: Final = 1000
MAX_BYTES: Final = 4 * 1024 * 1024
# Larger submissions are committed beside the others, not among them.
_LARGE_BYTES: Final = 1024 * 1024
# Bytes that cost as much as a row.
_BYTES_OF_ROW: Final = 4096
# Senders wait 5 s for an answer.
COMMIT_SECONDS: Final = 4.0
# A transaction of a large submission may take longer by itself: who waits for its end learns the truth.
LARGE_SECONDS: Final = 12.0


def count_rows(events: Sequence[Event]) -> int:
    """Estimates the rows that events write: their own, those of each dataset, a job and a run of each reported task."""
    return sum(map(_rows_of, events))


def _rows_of(event: Event) -> int:
    said = [one.said for one in event.datasets if one.said is not None]
    of_datasets = sum([len(one.facts) + len(one.sources) + len(one.symlinks) + len(one.checks) for one in said])
    of_tasks = 2 * len(event.run.reported_tasks) if event.run else 0
    return 1 + len(event.datasets) + of_datasets + of_tasks


class Part(NamedTuple):
    """The events of a submission that are committed in one transaction."""

    submission: Submission
    rows: int
    size: int

    @property
    def events(self) -> int:
        return len(self.submission.events)

    @property
    def cost(self) -> int:
        """Cost in rows."""
        return self.rows + self.size // _BYTES_OF_ROW


class Waiting(Generic[Ticket]):
    """A submission in the queue; `ticket` is for answering its sender, `size` the bytes of its events.

    One that is larger than a transaction is committed in parts, and lets others go between them.

    Its sender is given up COMMIT_SECONDS after it came, or after the last part was committed; then it is not committed
    any more. While a transaction is under way nobody can know how that ends, so its senders are given up only if it
    takes that long itself. The event loop gives up, the committer's thread commits: the lock decides who was first.
    """

    def __init__(self, submission: Submission, size: int, ticket: Ticket) -> None:
        self.submission, self.ticket = submission, ticket
        # The result of the events before `position`.
        self.committed = NOTHING_STORED
        self.position = 0
        rows = count_rows(submission.events)
        # Too much for one transaction of many requests.
        self.is_large = size > _LARGE_BYTES or rows > MAX_ROWS or len(submission.events) > MAX_EVENTS
        # The part that is to be committed next.
        self.part = self._next_part() if self.is_large else Part(submission, rows, size)
        self._is_given_up = False
        self._deadline = time.monotonic() + COMMIT_SECONDS
        self._under_way_until: float | None = None
        self._guard = threading.Lock()

    @property
    def connection_id(self) -> UUID:
        return self.submission.connection_id

    def begin(self) -> bool:
        """Notes that a transaction begins. Returns False if the sender was given up before."""
        with self._guard:
            if not self._is_given_up:
                longest = LARGE_SECONDS if self.is_large else COMMIT_SECONDS
                self._under_way_until = time.monotonic() + longest
            return not self._is_given_up

    def wait_on(self) -> None:
        """Notes that the transaction is over, and left the part to be committed again."""
        with self._guard:
            self._under_way_until = None

    def note(self, committed: Committed) -> None:
        """Notes what became of the part."""
        unstorable = (self.position + position for position in committed.unstorable)
        self.committed = Committed(
            accepted=committed.accepted,
            stored=self.committed.stored + committed.stored,
            unstorable=self.committed.unstorable.union(unstorable),
        )
        self.position += self.part.events
        if not self.is_done:
            self.part = self._next_part()
        with self._guard:
            self._deadline, self._under_way_until = time.monotonic() + COMMIT_SECONDS, None

    def give_up_overdue(self, now: float) -> bool:
        """Gives the sender up if it waited too long. `now`: of the monotonic clock. Returns True if it did that."""
        with self._guard:
            if self._is_given_up or now < (self._under_way_until or self._deadline):
                return False
            self._is_given_up = True
            return True

    def count_left_out(self, code: Code, *, beyond_part: bool = False) -> None:
        """Accounts for the events that nobody will try to commit; `beyond_part`: that of the part is over."""
        reached = self.position + (self.part.events if beyond_part else 0)
        count_events(rejected(code), len(self.submission.events) - reached)

    @property
    def is_done(self) -> bool:
        return self.position >= len(self.submission.events) or not self.committed.accepted

    def _next_part(self) -> Part:
        """Cuts off the next part: as many events as fit into a transaction, or one that is larger than that."""
        rows = size = 0
        part: list[Event] = []
        for event in islice(self.submission.events, self.position, self.position + MAX_EVENTS):
            more_rows, more_size = rows + count_rows([event]), size + len(event.body)
            if part and (more_rows > MAX_ROWS or more_size > MAX_BYTES):
                break
            rows, size = more_rows, more_size
            part.append(event)
        return Part(self.submission._replace(events=part), rows, size)
