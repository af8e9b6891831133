"""Slow runs, by the median of their job."""

from datetime import timedelta

import pytest

from lineage.runs.pace import is_slow


@pytest.mark.parametrize(
    ("duration", "median", "slow"),
    [
        (49, 10, False),
        (50, 10, True),
        (11, 2, False),
        (12, 2, True),
        (700, None, False),
        (None, 10, False),
        (700, 0, False),
    ],
)
def test_slow_is_five_medians_and_ten_seconds_longer(duration: int | None, median: int | None, slow: bool) -> None:
    found = [None if seconds is None else timedelta(seconds=seconds) for seconds in (duration, median)]
    assert is_slow(*found) == slow
