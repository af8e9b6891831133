"""The benchmark's report and its ratios."""

from datetime import UTC, datetime

import pytest

from bench.report import Ratio, Section, as_markdown


@pytest.mark.parametrize(
    ("ratio", "row"),
    [
        (Ratio("rate", 2.0, 2), ["rate", "2.00", "≥ 2", "met"]),
        (Ratio("rate", 1.99, 2), ["rate", "1.99", "≥ 2", "**not met**"]),
        (Ratio("p50", 1.3, 1.3, at_most=True), ["p50", "1.30", "≤ 1.3", "met"]),
        (Ratio("memory", 201, 200, at_most=True, unit="MB"), ["memory", "201 MB", "≤ 200 MB", "**not met**"]),
    ],
)
def test_a_goal_is_met_or_not(ratio: Ratio, row: list[str]) -> None:
    assert ratio.row == row


def test_ratios_stand_before_the_tables_that_they_come_from() -> None:
    section = Section(
        "Single events", "How it was done.", [["", "events/s"], ["intake", "5,000"]], [Ratio("rate", 3, 2)]
    )

    text = as_markdown([section], machine="Two cores.", now=datetime(2026, 1, 31, 12, 5, tzinfo=UTC), seconds=125)

    assert text.splitlines() == [
        "# Benchmark, 2026-01-31 12:05 UTC",
        "",
        "Two cores.",
        "",
        "| ratio | measured | goal |  |",
        "|---|---|---|---|",
        "| rate | 3.00 | ≥ 2 | met |",
        "",
        "## Single events",
        "",
        "How it was done.",
        "",
        "|  | events/s |",
        "|---|---|",
        "| intake | 5,000 |",
        "",
        "The whole took 2 minutes.",
    ]
