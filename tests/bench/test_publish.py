"""Saved reports replace those in docs/performance.md."""

import pytest

from bench.publish import PAGE, published

REPORT = "# Benchmark, 2026-01-31 12:05 UTC\n\nTwo cores.\n\n## Batches\n\n| # | x |\n"


def test_reports_replace_what_stood_there() -> None:
    once = published(PAGE.read_text(), ["# Old\n", "# Older\n"])

    page = published(once, [REPORT])

    assert "### Benchmark, 2026-01-31 12:05 UTC\n\nTwo cores.\n\n#### Batches\n\n| # | x |\n" in page
    assert "Old" not in page
    assert published(page, [REPORT]) == page
    assert page.startswith("# Performance\n")


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for figures"):
        published("# Performance\n", [REPORT])
