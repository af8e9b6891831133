"""Queries of dbt's hooks, whose parent never sends an event: captured from dbt-ol 1.54, whose hook failed.

The sample has a folder of its own: the time at which a silent run was lost may depend on the order of events, because
only a running run is looked at again when its parent ends. So a rebuild may change it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations

import pytest

from connections.models import Connection
from lineage.models import Job, Run
from lineage.states.deadlines import sweep
from tests.lineage.conftest import Sender

COMMAND, QUERY = "dbt-run-shop", "operation.shop.shop-on-run-end-1.sql.1"
# Minutes after the events, and hours before the query is lost because it is silent.
NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_hook_that_fails_is_lost_soon_after_its_command(
    new_sender: Callable[[], Sender], sample_lines: Callable[[str], list[bytes]], order: tuple[int, ...]
) -> None:
    """dbt-ol sends no end of the query, and nothing of the hook, which the query names as its parent."""
    sender = new_sender()
    events = sample_lines("lost/dbt-hook-fails")
    for number in order:
        sender.send(events[number], now=NOW)
        sweep(NOW)

    assert states(sender.connection) == {COMMAND: "FAILED", QUERY: "LOST"}
    command, query = (Run.objects.get(connection=sender.connection, job__name=name) for name in (COMMAND, QUERY))
    assert (query.parent_run_id, query.parent_job_name) == (command.run_id, COMMAND)
    assert Job.objects.get(connection=sender.connection, name=QUERY).parent_job_name == COMMAND


def test_a_hook_of_a_command_that_runs(sender: Sender, sample_lines: Callable[[str], list[bytes]]) -> None:
    start, query, _ = sample_lines("lost/dbt-hook-fails")
    sender.send(start, query, now=NOW)
    sweep(NOW)
    assert states(sender.connection) == {COMMAND: "RUNNING", QUERY: "RUNNING"}


def test_a_version_that_sends_no_root(sender: Sender, sample_lines: Callable[[str], list[bytes]]) -> None:
    """Events without a root do not connect the query with its command: it is lost after a day."""
    events = sample_lines("lost/dbt-hook-fails")
    sender.send(*(event.replace(b'"root":', b'"_":') for event in events), now=NOW)
    sweep(NOW)
    assert states(sender.connection) == {COMMAND: "FAILED", QUERY: "RUNNING"}


def states(connection: Connection) -> dict[str, str]:
    return dict(Run.objects.shown().filter(connection=connection).values_list("job__name", "shown_state"))
