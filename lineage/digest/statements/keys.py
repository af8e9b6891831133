"""API keys, as the transaction that stores what they vouch for asks about them."""

from collections.abc import Iterable
from uuid import UUID

from connections.querysets import INSIST_LIVE
from lineage.database.execute import execute_rows


def insist_live(keys: Iterable[tuple[UUID, UUID]]) -> None:
    """Fails with the SQLSTATE INSISTED unless all of these keys (key id, connection id) exist, and nobody removed the
    connections. Locks those until the transaction ends, as ApiKeyQuerySet.lock_live does."""
    execute_rows(INSIST_LIVE, ("uuid", "uuid"), keys)
