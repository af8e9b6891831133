"""Strip of days as geometry: a bar for each, whose red part is the share of its runs that failed."""

from collections.abc import Sequence
from typing import Final, NamedTuple

BAR: Final = 5
GAP: Final = 2
HEIGHT: Final = 16
# Of a share that is hardly above nothing, and of a day without runs.
_LEAST: Final = 2


class DayBars(NamedTuple):
    """Paths of SVG: the parts of bars that went well, those that failed, and days without runs."""

    width: int
    height: int
    well: str
    failed: str
    none: str


def day_bars(days: Sequence[tuple[int, int]]) -> DayBars:
    """Draw days, given as (runs, those of them that failed)."""
    well, failed, none = [], [], []
    for number, (runs, bad) in enumerate(days):
        x = number * (BAR + GAP)
        if not runs:
            none.append(_bar(x, HEIGHT - _LEAST, _LEAST))
            continue
        height = failed_height(runs, bad)
        if height < HEIGHT:
            well.append(_bar(x, 0, HEIGHT - height))
        if height:
            failed.append(_bar(x, HEIGHT - height, height))
    width = max(len(days) * (BAR + GAP) - GAP, 0)
    return DayBars(width, HEIGHT, "".join(well), "".join(failed), "".join(none))


def failed_height(runs: int, failed: int) -> int:
    """Height of the red part: seen for one failure among thousands, and all of the bar only if all runs failed."""
    if not failed:
        return 0
    if failed >= runs:
        return HEIGHT
    return min(max(round(HEIGHT * failed / runs), _LEAST), HEIGHT - _LEAST)


def _bar(x: int, y: int, height: int) -> str:
    return f"M{x} {y}h{BAR}v{height}h-{BAR}z"
