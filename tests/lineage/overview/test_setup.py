"""The state of a set-up, from rows alone."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.models import Attempt
from lineage.overview.setup import SetupStep, setup_state

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def attempts(*outcomes: str) -> list[Attempt]:
    """Attempts with these outcomes, the newest first."""
    return [Attempt(outcome=outcome, reason=f"{outcome} {number}") for number, outcome in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "has_key", "is_connected", "step"),
    [
        ((), False, False, SetupStep.NO_KEY),
        (("rejected",), False, False, SetupStep.NO_KEY),
        ((), True, False, SetupStep.WAITING),
        (("test", "test"), True, False, SetupStep.WAITING),
        (("stored",), True, False, SetupStep.WAITING),
        (("rejected", "repeat"), True, False, SetupStep.REFUSED),
        (("test", "rejected"), True, False, SetupStep.REFUSED),
        (("repeat", "rejected"), True, False, SetupStep.ONLY_REPEATS),
        (("rejected", "stored"), True, True, SetupStep.FIRST_EVENT),
    ],
)
def test_the_step(outcomes: tuple[str, ...], has_key: bool, is_connected: bool, step: SetupStep) -> None:
    state = setup_state(attempts(*outcomes), has_key=has_key, is_connected=is_connected, added_at=NOW, now=NOW)
    assert state.step is step
    sent = [outcome for outcome in outcomes if outcome != "test"]
    assert bool(state.refused) == (sent[:1] == ["rejected"])


@pytest.mark.parametrize(
    ("hours", "is_connected", "is_overdue"), [(23, False, False), (24, False, True), (48, True, False)]
)
def test_overdue_after_a_day_without_an_event(hours: int, is_connected: bool, is_overdue: bool) -> None:
    added_at = NOW - timedelta(hours=hours)
    state = setup_state([], has_key=True, is_connected=is_connected, added_at=added_at, now=NOW)
    assert state.is_overdue == is_overdue
