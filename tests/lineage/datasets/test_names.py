"""Names of senders as pages show them."""

import pytest

from lineage.datasets.names import NO_NAME, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("shop.orders", "shop.orders"),
        ("Größe 数据 \U0001f468\u200d\U0001f469", "Größe 数据 \U0001f468\u200d\U0001f469"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("new\nline", r"new\u000aline"),
        ("  ", NO_NAME),
    ],
)
def test_what_cannot_be_seen_is_written_out(name: str, shown: str) -> None:
    assert shown_name(name) == shown
