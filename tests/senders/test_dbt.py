"""A real dbt project, run by dbt-ol against the running product: what is shown is what dbt's own record says."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from api.actions import create_api_token
from tests.live_server import Sender
from tests.senders.dbt import DbtProject, Result
from tests.senders.dbt_shown import Shown, ShownRun
from tests.serving import LiveServer

STATES = {
    **dict.fromkeys(("success", "pass", "warn"), "COMPLETED"),
    **dict.fromkeys(("fail", "error"), "FAILED"),
    "skipped": "SKIPPED",
}
TOLERANCE = timedelta(seconds=1)
# Command, whether it succeeds, all the statuses that its nodes come to, how many of them dbt records, and how many of
# those are shown by default: all but the seed and two models that it skips. In structured mode all are.
COMMANDS = [
    ("seed", True, {"success"}, 1, 0),
    ("run", False, {"success", "error", "skipped"}, 10, 8),
    ("snapshot", True, {"success"}, 1, 1),
    ("test", False, {"pass", "warn", "fail", "error"}, 26, 26),
    ("build", False, {"success", "pass", "warn", "fail", "error", "skipped"}, 38, 35),
]
SHOWN_BY_DEFAULT = {command: by_default for command, *_, by_default in COMMANDS}


@pytest.fixture
def project(server: LiveServer, sender: Sender, tmp_path: Path) -> DbtProject:
    endpoint = server.path(sender.connection.id).removeprefix("/")
    return DbtProject.copy_to(tmp_path / "shop", url=server.url, endpoint=endpoint, key=sender.key)


@pytest.fixture
def shown(server: LiveServer, sender: Sender) -> Shown:
    user = User.objects.create_user("ada")
    return Shown(server.url, sender.connection.id, create_api_token(user=user, now=timezone.now()).text)


def is_sent(result: Result, *, structured: bool) -> bool:
    """By default dbt-ol (1.54) sends nothing of seeds, and of models and snapshots that were skipped."""
    return structured or not (result.kind == "seed" or (result.kind != "test" and result.status == "skipped"))


def is_timed(result: Result, *, structured: bool) -> bool:
    """By default dbt-ol gives all tests the time when it sends them."""
    return result.started_at is not None and (structured or result.kind != "test")


def assert_same_times(run: ShownRun, result: Result) -> None:
    assert result.started_at
    assert result.completed_at
    assert abs(run.started_at - result.started_at) <= TOLERANCE, result
    assert abs(run.ended_at - result.completed_at) <= TOLERANCE, result


def worst_state(statuses: list[str]) -> str:
    """Of all tests of a model."""
    states = {STATES[status] for status in statuses}
    return next(state for state in ("FAILED", "COMPLETED", "SKIPPED") if state in states)


def compare(results: list[Result], shown: Shown, *, structured: bool, command_state: str = "") -> int:
    """Asserts that each node of the latest command that was sent is shown as dbt's record has it, and nothing else: how
    many nodes were shown so."""
    command, runs = shown.command()
    compared = 0
    jobs = shown.jobs()
    # By default the generic tests of a model are one run, whose page lists them.
    of_models = {} if structured else {job: shown.tests_of(run) for job, run in runs.items() if job.endswith(".test")}
    listed = {name: (job, status) for job, tests in of_models.items() for name, status in tests.items()}
    filed: dict[str, list[str]] = {job: [] for job in of_models}
    for result in results:
        if not is_sent(result, structured=structured):
            continue
        compared += 1
        if result.kind == "test" and not structured:
            filed[listed[result.name][0]].append(result.status)
        if result.is_generic_test and not structured:
            assert listed[result.name][1] == result.status, result
            continue
        run = runs.pop(result.unique_id)
        assert run.state == jobs[run.job]["latest_run"]["state"] == STATES[result.status], result
        if is_timed(result, structured=structured):
            assert_same_times(run, result)
    for job, statuses in filed.items():
        assert runs.pop(job).state == jobs[job]["latest_run"]["state"] == worst_state(statuses), job
    assert not runs
    assert command.state == (command_state or worst_state([result.status for result in results]))
    return compared


@pytest.mark.parametrize("structured", [False, True], ids=["default", "structured"])
def test_each_node_is_shown_as_dbt_recorded_it(
    project: DbtProject, shown: Shown, sender: Sender, structured: bool
) -> None:
    for command, succeeds, statuses, recorded, by_default in COMMANDS:
        results = project.run(command, structured=structured, succeeds=succeeds)
        assert {result.status for result in results} == statuses
        assert len(results) == recorded
        assert compare(results, shown, structured=structured) == (recorded if structured else by_default), command
        command_run, nodes = shown.command()
        # By default dbt-ol says what dbt calls the command only with its nodes.
        assert command_run.orchestrator_run_id == (project.invocation_id() if nodes else None)
        assert not any(run.orchestrator_run_id for run in nodes.values())
    assert not sender.connection.attempts.filter(outcome="rejected").exists()


@pytest.mark.parametrize("structured", [False, True], ids=["default", "structured"])
def test_what_fail_fast_leaves_out(project: DbtProject, shown: Shown, structured: bool) -> None:
    """By default the events of tests that it skips are those of tests that could not be run; in structured mode there
    are none of nodes that never began. See docs/run-states.md."""
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
            # Of those only what dbt was at when it stopped is shown in structured mode, as it ended.
            assert run.state in (("COMPLETED", "FAILED") if structured else ("SKIPPED", "FAILED")), result
            assert structured or result.kind == "test"
    # Nothing is shown as running, and all that dbt ran is shown.
    ran = {name for name, result in results.items() if result.status != "skipped"}
    assert ran - runs.keys() == {
        name for name in ran if not structured and (results[name].kind == "seed" or results[name].is_generic_test)
    }


def test_a_command_that_is_sent_again_is_shown_once(project: DbtProject, shown: Shown) -> None:
    results = project.run("build", succeeds=False)
    runs, jobs = shown.runs(), shown.jobs()

    project.run("send-events")

    assert shown.runs() == runs
    assert shown.jobs() == jobs
    assert compare(results, shown, structured=False) == SHOWN_BY_DEFAULT["build"]


def test_what_was_lost_is_sent_again(project: DbtProject, shown: Shown) -> None:
    results = replace(project, key="of nobody").run("build", succeeds=False)
    assert not shown.runs()

    project.run("send-events")

    command, runs = shown.command()
    assert runs["model.shop.orders"].state == "COMPLETED"
    # So it says of the command, whatever became of it.
    assert command.state == "COMPLETED"
    assert compare(results, shown, structured=False, command_state="COMPLETED") == SHOWN_BY_DEFAULT["build"]


@pytest.mark.parametrize("options", [[], ["--fail-fast"]], ids=["whole", "cut short"])
def test_a_structured_command_that_is_sent_again(project: DbtProject, shown: Shown, options: list[str]) -> None:
    """As default mode does it: with one run for all tests of a model, which each of them has had."""
    project.run("build", *options, structured=True, succeeds=False)
    runs, jobs = shown.runs(), shown.jobs()

    project.run("send-events")

    assert shown.runs() == runs
    assert shown.jobs() == jobs
