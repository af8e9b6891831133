"""Strip of days: the red part of a bar is the share of its runs that failed."""

import pytest

from web.components.charts.days import HEIGHT, day_bars, failed_height


@pytest.mark.parametrize(
    ("runs", "failed", "height"), [(1162, 0, 0), (1162, 1, 2), (2, 1, 8), (1162, 1161, 14), (1, 1, HEIGHT)]
)
def test_one_failure_in_a_thousand_does_not_paint_a_day(runs: int, failed: int, height: int) -> None:
    assert failed_height(runs, failed) == height


def test_each_day_is_in_one_path_or_in_two() -> None:
    bars = day_bars([(4, 0), (4, 1), (1, 1), (0, 0)])
    assert (bars.well, bars.failed, bars.none) == (
        "M0 0h5v16h-5zM7 0h5v12h-5z",
        "M7 12h5v4h-5zM14 0h5v16h-5z",
        "M21 14h5v2h-5z",
    )
    assert bars.width == 26
