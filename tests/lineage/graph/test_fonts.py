"""Texts that have to fit keep both their ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.graph.fonts import CODE, NAME, SMALL, Font


def test_a_text_that_fits_stays_whole() -> None:
    assert NAME.cut("shop.public.customers", 147) == "shop.public.customers"


def test_a_long_text_loses_its_middle() -> None:
    cut = NAME.cut("features.customer_revenue_90d", 147)

    head, tail = cut.split("…")
    assert head.startswith("feature")
    assert tail.endswith("nue_90d")
    assert abs(len(head) - len(tail)) <= 1


def test_wide_letters_take_more_room() -> None:
    assert NAME.width("WWWW") > 2 * NAME.width("iiii")


@pytest.mark.parametrize("font", [NAME, SMALL, CODE])
@given(text=st.text(min_size=1, max_size=60), width=st.integers(20, 300))
def test_what_is_cut_fits(font: Font, text: str, width: int) -> None:
    cut = font.cut(text, width)

    assert font.width(cut) <= max(width, font.width("…"))
    assert cut == text or "…" in cut
