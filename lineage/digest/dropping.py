"""Parts that are removed from events before they are stored, by connection, as this process knows them.

Most connections drop nothing, so nothing is read beforehand: the transaction that stores the events checks that what is
known is right, and the digest reads and tries again if it is not.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from connections.privacy import NOTHING, PrivacyClass
from lineage.digest.statements.privacy import read_dropped


class KnownDrops:
    """Connection → classes of parts that are dropped. A connection that is not known drops nothing."""

    def __init__(self) -> None:
        self._known: dict[UUID, frozenset[PrivacyClass]] = {}

    def of(self, connection_ids: Iterable[UUID]) -> dict[UUID, frozenset[PrivacyClass]]:
        return {id_: self._known.get(id_, NOTHING) for id_ in connection_ids}

    def learn(self, assumed: Mapping[UUID, frozenset[PrivacyClass]]) -> bool:
        """Read what is dropped now. Returns whether that differs from what a transaction assumed: another thread may
        have learnt it meanwhile."""
        now = read_dropped(assumed)
        self._known = {id_: classes for id_, classes in (self._known | now).items() if classes}
        return any(assumed[id_] != classes for id_, classes in now.items())
