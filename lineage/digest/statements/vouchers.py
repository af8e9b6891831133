"""Checks vouchers in the transaction that stores what they answer for."""

from collections.abc import Iterable

from connections.vouchers import REQUIRE_LIVE, Voucher, by_kind
from lineage.database.execute import execute_rows


def require_live(vouchers: Iterable[Voucher]) -> None:
    """Fails with the SQLSTATE PRECONDITION_FAILED unless all of these vouchers are live. Locks their connections until
    the transaction ends."""
    for kind, keys in by_kind(vouchers).items():
        execute_rows(REQUIRE_LIVE[kind], ("uuid", "uuid"), keys)
