"""Duration of a run beside the usual one of its job, as cells of lists show it."""

from dataclasses import dataclass
from datetime import timedelta

from lineage.runs.durations import format_duration
from lineage.runs.pace import is_slow


@dataclass(frozen=True, slots=True)
class Pace:
    """`duration`: so far, while the run runs; None if it is not known. `median`: None where too few runs completed."""

    duration: timedelta | None
    median: timedelta | None
    is_running: bool = False

    @property
    def is_slow(self) -> bool:
        return is_slow(self.duration, self.median)

    @property
    def reason(self) -> str:
        """`Slow: took 3 h 4 min, 5.2 times its median of 35 min`; empty if it is not slow."""
        if not (self.is_slow and self.duration and self.median):
            return ""
        verb = "running for" if self.is_running else "took"
        # Whole minutes, so that the page stays as it is for a minute.
        whole = timedelta(minutes=self.duration // timedelta(minutes=1)) or self.duration
        times = f"{self.duration / self.median:,.1f}"
        return f"Slow: {verb} {format_duration(whole)}, {times} times its median of {format_duration(self.median)}"
