"""Decides when sessions plan their prepared statements anew."""

from typing import Any
from weakref import WeakKeyDictionary


class Plans:
    """Counts the pipelines of sessions, to have them plan their prepared statements anew.

    PostgreSQL plans once, with the tables as large as they are then. In an empty one every index looks alike, and the
    choice stands until ANALYZE comes: in the first minutes of a new installation each event would read more than the
    one before it.
    """

    _MOST = 4096

    def __init__(self) -> None:
        # Session → the number of its pipelines, and the one at which it plans next.
        self._uses: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()

    def are_old(self, session: Any) -> bool:
        """Returns True after 16, 32, 64 … pipelines of the session. To be asked once for each pipeline."""
        uses, due = self._uses.get(session, (0, 16))
        uses += 1
        old = uses >= due
        self._uses[session] = uses, uses + min(uses, self._MOST) if old else due
        return old


plans = Plans()
