"""The project of test_dbt.py, run by older versions of dbt-ol: pages show what dbt recorded, as far as they send it."""

from pathlib import Path

import pytest

from tests.live_server import Sender
from tests.senders.dbt import DBT_OL_1_30, DBT_OL_1_43, DbtProject, Version
from tests.senders.dbt_comparison import (
    COMMANDS,
    STATES,
    Command,
    assert_sent_again_is_shown_once,
    compare,
)
from tests.senders.dbt_shown import Shown
from tests.serving import LiveServer

VERSIONS = [DBT_OL_1_43, DBT_OL_1_30]
# Nodes that dbt records in a project without tests that are queries.
WITHOUT_QUERIES = {"test": 16, "build": 28}
IN_TURN = pytest.mark.parametrize("commands", [COMMANDS[:-1], COMMANDS[-1:]], ids=["one after the other", "all in one"])


@pytest.fixture
def version(request: pytest.FixtureRequest) -> Version:
    chosen: Version = request.param
    return chosen


@pytest.fixture
def project(server: LiveServer, sender: Sender, tmp_path: Path, version: Version) -> DbtProject:
    endpoint = server.path(sender.connection.id).removeprefix("/")
    return DbtProject.copy_to(tmp_path / "shop", url=server.url, endpoint=endpoint, key=sender.key, version=version)


@IN_TURN
@pytest.mark.parametrize("version", VERSIONS, ids=str, indirect=True)
def test_default_mode(
    project: DbtProject, shown: Shown, sender: Sender, version: Version, commands: list[Command]
) -> None:
    """`sent_status` says which results of tests these versions do not send."""
    for command, succeeds, statuses, recorded, by_default in commands:
        results = project.run(command, succeeds=succeeds)
        assert {result.status for result in results} == statuses
        assert len(results) == recorded
        assert compare(results, shown, structured=False, version=version) == by_default, command
        command_run, nodes = shown.command()
        has_id = nodes and version.has_ids
        assert command_run.orchestrator_run_id == (project.invocation_id() if has_id else None)
    assert not sender.connection.attempts.filter(outcome="rejected").exists()


@IN_TURN
@pytest.mark.parametrize("version", VERSIONS, ids=str, indirect=True)
def test_structured_mode(
    project: DbtProject, shown: Shown, sender: Sender, version: Version, commands: list[Command]
) -> None:
    """All nodes are sent, with their states. 1.30 cannot send tests that are queries: see below."""
    if version is DBT_OL_1_30:
        project.without_queries()
    for command, succeeds, statuses, recorded, _ in commands:
        results = project.run(command, structured=True, succeeds=succeeds)
        assert {result.status for result in results} == statuses
        expected = recorded if version is DBT_OL_1_43 else WITHOUT_QUERIES.get(command, recorded)
        assert compare(results, shown, structured=True, version=version) == len(results) == expected, command
        command_run, _ = shown.command()
        assert command_run.orchestrator_run_id == (project.invocation_id() if version.has_ids else None)
    assert not sender.connection.attempts.filter(outcome="rejected").exists()


@pytest.mark.parametrize("version", [DBT_OL_1_30], ids=str, indirect=True)
def test_a_version_that_stops_in_the_middle(project: DbtProject, shown: Shown) -> None:
    """1.30 crashes in structured mode at the end of the first test that is a query: it sends nothing more.

    What it sent is shown. The test and its command seem to run, because nothing says that they ended, and are lost
    after a day.
    """
    project.run("seed", structured=True)
    results = {result.unique_id: result for result in project.run("build", structured=True, succeeds=False)}
    command, nodes = shown.command()
    assert command.state == "RUNNING"
    running = {name for name, run in nodes.items() if run.state == "RUNNING"}
    assert running == {"test.shop.no_odd_amounts"}
    assert {name: run.state for name, run in nodes.items() if name not in running} == {
        name: STATES[results[name].status] for name in nodes if name not in running
    }
    assert nodes.keys() < results.keys()


@pytest.mark.parametrize("version", [DBT_OL_1_43], ids=str, indirect=True)
def test_what_is_sent_again(project: DbtProject, shown: Shown, version: Version) -> None:
    project.run("build", succeeds=False)
    assert_sent_again_is_shown_once(project, shown)


@pytest.mark.parametrize("version", [DBT_OL_1_30], ids=str, indirect=True)
def test_what_is_sent_again_without_an_invocation(project: DbtProject, shown: Shown, version: Version) -> None:
    """Events of 1.30 do not say that the command is sent again: its runs are shown twice, in equal states."""
    results = project.run("build", succeeds=False)
    runs = shown.runs()

    project.run("send-events")

    assert len(shown.runs()) == 2 * len(runs)
    # send-events always reports the command as completed.
    compare(results, shown, structured=False, version=version, command_state="COMPLETED")
