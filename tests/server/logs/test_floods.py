"""A flood of bad requests causes no flood of lines: a few of each kind are logged, and the next one has the number
omitted."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import LogCapture

from server.log_floods import LINES, SECONDS, FloodGuard


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> Iterator[LogCapture]:
    """Lines that loggers write through a guard."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(
        processors=[FloodGuard(clock), capture],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    yield capture
    structlog.configure(**before)


def refuse(times: int, code: str = "not_json", *, logger: str = "lineage.intake.exchange") -> None:
    for _ in range(times):
        structlog.get_logger(logger).info("intake_rejected", code=code)


def test_of_each_kind_a_few_are_logged(lines: LogCapture) -> None:
    refuse(1000)
    refuse(1000, "key_refused")
    structlog.get_logger("lineage.intake.group.committer").error("commit_failed")

    codes = [line.get("code") for line in lines.entries]
    assert codes == ["not_json"] * LINES + ["key_refused"] * LINES + [None]
    assert not any("left_out" in line for line in lines.entries)


def test_the_next_one_tells_how_many_were_left_out(lines: LogCapture, clock: Clock) -> None:
    refuse(LINES + 7)
    clock.now += SECONDS
    refuse(2)

    assert [line.get("left_out") for line in lines.entries[LINES:]] == [7, None]


def test_a_trickle_is_logged_whole(lines: LogCapture, clock: Clock) -> None:
    for _ in range(10 * LINES):
        clock.now += SECONDS / LINES
        refuse(1)

    assert len(lines.entries) == 10 * LINES


def test_what_others_log_is_theirs(lines: LogCapture) -> None:
    """django_structlog logs one line for each request to a page."""
    refuse(1000, logger="django_structlog.middlewares.request")

    assert len(lines.entries) == 1000


def test_the_kinds_that_are_remembered_are_bounded(lines: LogCapture) -> None:
    guard = FloodGuard()
    logger = logging.getLogger("lineage.test")
    for number in range(5000):
        guard(logger, "info", {"event": f"text {number}"})

    assert len(guard._periods) == 1000
