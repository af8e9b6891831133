"""A real dbt project, run by dbt-ol against the running product: pages show what dbt recorded."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live_server import Sender
from tests.senders.dbt import DbtProject
from tests.senders.dbt_comparison import COMMANDS, STATES, Command, assert_sent_again_is_shown_once, compare
from tests.senders.dbt_shown import Shown
from tests.serving import LiveServer

SHOWN_BY_DEFAULT = {command: by_default for command, *_, by_default in COMMANDS}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that dbt keeps of a parsed project, from the first test on: parsing takes 4 s of a processor."""
    return tmp_path_factory.mktemp("parsed") / "partial_parse.msgpack"


@pytest.fixture
def project(server: LiveServer, sender: Sender, tmp_path: Path, parsed: Path) -> Iterator[DbtProject]:
    endpoint = server.path(sender.connection.id).removeprefix("/")
    project = DbtProject.copy_to(tmp_path / "shop", url=server.url, endpoint=endpoint, key=sender.key)
    if parsed.exists():
        project.parsed.parent.mkdir()
        shutil.copy(parsed, project.parsed)
    yield project
    if project.parsed.exists():
        shutil.copy(project.parsed, parsed)


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(COMMANDS[:-1], id="one after the other", marks=pytest.mark.only_where_named),
        pytest.param(COMMANDS[-1:], id="all in one"),
    ],
)
@pytest.mark.parametrize("structured", [False, True], ids=["default", "structured"])
def test_each_node_is_shown_as_dbt_recorded_it(
    project: DbtProject, shown: Shown, sender: Sender, structured: bool, commands: list[Command]
) -> None:
    for command, succeeds, statuses, recorded, by_default in commands:
        results = project.run(command, structured=structured, succeeds=succeeds)
        assert {result.status for result in results} == statuses
        assert len(results) == recorded
        assert compare(results, shown, structured=structured) == (recorded if structured else by_default), command
        command_run, nodes = shown.command()
        # In default mode dbt-ol sends the command's invocation id only with its nodes.
        assert command_run.orchestrator_run_id == (project.invocation_id() if nodes else None)
        assert not any(run.orchestrator_run_id for run in nodes.values())
    assert_sent_again_is_shown_once(project, shown)
    assert not sender.connection.attempts.filter(outcome="rejected").exists()


@pytest.mark.parametrize("structured", [False, True], ids=["default", "structured"])
def test_what_fail_fast_leaves_out(project: DbtProject, shown: Shown, structured: bool) -> None:
    """Default mode sends equal events for skipped tests and for tests that could not be run.

    Structured mode sends no events of nodes that never began. See docs/run-states.md.
    """
    results = {r.unique_id: r for r in project.run("build", "--fail-fast", structured=structured, succeeds=False)}
    command, runs = shown.command()
    assert command.state == "FAILED"
    assert {result.status for result in results.values()} >= {"success", "error", "skipped"}
    for name, run in runs.items():
        result = results.get(name)
        if result is None:
            assert name.endswith(".test")
            assert not structured
        elif result.status != "skipped":
            assert run.state == STATES[result.status], result
        else:
            # Structured mode shows only the nodes that were running when dbt stopped, with their results.
            assert run.state in (("COMPLETED", "FAILED") if structured else ("SKIPPED", "FAILED")), result
            assert structured or result.kind == "test"
    # Nothing is shown as running, and all that dbt ran is shown.
    ran = {name for name, result in results.items() if result.status != "skipped"}
    assert ran - runs.keys() == {
        name for name in ran if not structured and (results[name].kind == "seed" or results[name].is_generic_test)
    }
    assert_sent_again_is_shown_once(project, shown)


def test_what_was_lost_is_sent_again(project: DbtProject, shown: Shown) -> None:
    results = replace(project, key="of nobody").run("build", succeeds=False)
    assert not shown.runs()

    project.run("send-events")

    command, runs = shown.command()
    assert runs["model.shop.orders"].state == "COMPLETED"
    # send-events always reports the command as completed.
    assert command.state == "COMPLETED"
    assert compare(results, shown, structured=False, command_state="COMPLETED") == SHOWN_BY_DEFAULT["build"]
