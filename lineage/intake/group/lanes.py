"""Two committers, so that small submissions do not wait for the transaction of a large one.

An event of 10,000 datasets is one transaction of half a second and more. In a thread and a session of its own it holds
up other large ones alone.
"""

from typing import Generic

from lineage.intake.group.committer import Committer, Deliver
from lineage.intake.group.settler import Settler
from lineage.intake.group.waiting import Ticket, Waiting


class Lanes(Generic[Ticket]):
    """Calls `deliver` in the threads of the committers, see Committer."""

    def __init__(self, deliver: Deliver[Ticket]) -> None:
        self._settler = Settler()
        self._small: Committer[Ticket] = Committer(deliver, self._settler, name="committer")
        self._large: Committer[Ticket] = Committer(deliver, self._settler, name="large-committer")

    def put(self, waiting: Waiting[Ticket]) -> None:
        """Adds a submission to a queue. For one thread; the caller limits how much waits."""
        (self._large if waiting.is_large else self._small).put(waiting)

    def stop(self) -> None:
        """Ends the threads after what waits is committed, and settled."""
        self._small.stop()
        self._large.stop()
        self._settler.stop()
