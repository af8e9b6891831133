"""Report as Markdown: ratios with their goals first, then the tables from which they come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.runner import Results

RESULTS = Path(__file__).parent / "results"

Table = list[list[str]]  # the first row is the heading


@dataclass(frozen=True)
class Ratio:
    """Ratio with a goal: `value` should be at least `goal`, or at most, if `at_most` is set."""

    name: str
    value: float
    goal: float
    at_most: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    @property
    def row(self) -> list[str]:
        sign = "≤" if self.at_most else "≥"
        unit = f" {self.unit}" if self.unit else ""
        return [
            self.name,
            f"{_readable(self.value)}{unit}",
            f"{sign} {self.goal:g}{unit}",
            "met" if self.is_met else "**not met**",
        ]


@dataclass(frozen=True)
class Section:
    """Result of one part of the benchmark."""

    title: str
    text: str
    table: Table
    ratios: list[Ratio] = field(default_factory=list)


def as_markdown(sections: Sequence[Section], *, machine: str, now: datetime, seconds: float) -> str:
    ratios = [ratio.row for section in sections for ratio in section.ratios]
    lines = [f"# Benchmark, {now:%Y-%m-%d %H:%M} UTC", "", machine, ""]
    if ratios:
        lines += [*_lines([["ratio", "measured", "goal", ""], *ratios]), ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.text, "", *_lines(section.table), ""]
    lines.append(f"The whole took {seconds / 60:.0f} minutes." if seconds > 90 else f"The whole took {seconds:.0f} s.")
    return "\n".join(lines) + "\n"


def save(text: str, *, directory: Path, now: datetime) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{now.astimezone(UTC):%Y-%m-%d-%H%M}.md"
    path.write_text(text)
    return path


def table_of_loads(results: Results) -> Table:
    """Make a table with one row for each subject and load, from few clients to many."""
    rows = [["", "clients", "events/s", "p50 ms", "p99 ms", "server + PostgreSQL CPU ms per event"]]
    for (name, clients, batch), found in sorted(results.items(), key=lambda item: (item[0][2], item[0][1])):
        rows.append(
            [
                name + (f", batches of {batch}" if batch > 1 else ""),
                str(clients),
                f"{found.events_per_second:,.0f}",
                f"{1000 * found.p50:.1f}",
                f"{1000 * found.p99:.1f}",
                f"{1000 * found.cpu_per_event:.2f}",
            ]
        )
    return rows


def _readable(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _lines(table: Table) -> list[str]:
    heading, *rows = table
    return [_line(heading), "|---" * len(heading) + "|", *map(_line, rows)]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
