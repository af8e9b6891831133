"""Health of a job or a connection as a strip of days."""

from collections.abc import Sequence
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.overview.health import DAYS, Health
from web.components.charts.days import day_bars


def health_strip(health: Health | None) -> SafeString:
    """Bars, one for each day, with the share of its runs that failed; beside them `4 of 16,274`. None: no runs."""
    days = tuple((day.runs, day.failed) for day in health.days) if health else ((0, 0),) * DAYS
    return _health_strip(days, health is not None and health.is_cut)


# Most jobs run as often each day, and do not fail.
@lru_cache(1024)
def _health_strip(days: tuple[tuple[int, int], ...], is_cut: bool) -> SafeString:
    runs, failed = (sum(counts) for counts in zip(*days, strict=True))
    bars = day_bars(days)
    total = f"{runs:,}{'+' if is_cut else ''}"
    words = f"Failed runs in the last {len(days)} days: {failed:,} of {total}" if runs else "No runs in 14 days"
    return format_html(
        '<span class="days" title="{}"><svg class="days-strip" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path class="strip-well" d="{}"/><path class="strip-bad" d="{}"/><path class="strip-gap" d="{}"/></svg>'
        '<span class="days-count" aria-hidden="true">{}</span></span>',
        *(_failed_days(days), bars.width, bars.height, words, bars.well, bars.failed, bars.none),
        format_html("<b{}>{}</b> of {}", SafeString(' class="count-red"' if failed else ""), f"{failed:,}", total)
        if runs
        else "no runs",
    )


def _failed_days(days: Sequence[tuple[int, int]]) -> str:
    """`2 of 14 days with failures`, for those who point at a strip."""
    return f"{sum(failed > 0 for _, failed in days)} of {len(days)} days with failures"
