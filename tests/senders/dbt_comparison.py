"""Comparison of what is shown with what dbt recorded, in `run_results.json`."""

from datetime import timedelta

from tests.senders.dbt import NEWEST, DbtProject, Result, Version
from tests.senders.dbt_shown import Shown, ShownRun

STATES = {
    **dict.fromkeys(("success", "pass", "warn"), "COMPLETED"),
    **dict.fromkeys(("fail", "error"), "FAILED"),
    "skipped": "SKIPPED",
}
TOLERANCE = timedelta(seconds=1)
Command = tuple[str, bool, set[str], int, int]
# Command, whether it succeeds, all the statuses that its nodes come to, how many of them dbt records, and how many of
# those are shown by default: all but the seed and two models that it skips. In structured mode all are.
COMMANDS: list[Command] = [
    ("seed", True, {"success"}, 1, 0),
    ("run", False, {"success", "error", "skipped"}, 10, 8),
    ("snapshot", True, {"success"}, 1, 1),
    ("test", False, {"pass", "warn", "fail", "error"}, 26, 26),
    ("build", False, {"success", "pass", "warn", "fail", "error", "skipped"}, 38, 35),
]


def is_sent(result: Result, *, structured: bool) -> bool:
    """Tell whether dbt-ol sends the node: default mode sends no seeds, and no skipped models and snapshots."""
    return structured or not (result.kind == "seed" or (result.kind != "test" and result.status == "skipped"))


def sent_status(result: Result, version: Version) -> str:
    """Return the status of a test, as far as default mode sends it.

    Old versions send a test that failed, warned, could not be run or was skipped in one way. If they send its severity,
    it fails or warns by that.
    """
    if version.has_counts or result.status == "pass":
        return result.status
    return "warn" if version.has_severity and result.severity == "warn" else "fail"


def job_of(result: Result, version: Version, *, structured: bool) -> str:
    if structured or version.has_ids:
        return result.unique_id
    return result.long_name + (".snapshot" if result.kind == "snapshot" else "")


def is_timed(result: Result, *, structured: bool) -> bool:
    """Tell whether the times are the node's own: default mode gives all tests the time of sending."""
    return result.started_at is not None and (structured or result.kind != "test")


def assert_same_times(run: ShownRun, result: Result) -> None:
    assert result.started_at
    assert result.completed_at
    assert run.ended_at
    assert abs(run.started_at - result.started_at) <= TOLERANCE, result
    assert abs(run.ended_at - result.completed_at) <= TOLERANCE, result


def worst_state(statuses: list[str]) -> str:
    """Return the state of all tests of a model together."""
    states = {STATES[status] for status in statuses}
    return next(state for state in ("FAILED", "COMPLETED", "SKIPPED") if state in states)


def compare(
    results: list[Result], shown: Shown, *, structured: bool, version: Version = NEWEST, command_state: str = ""
) -> int:
    """Assert that the sent nodes of the latest command, and no others, are shown as dbt recorded them. Returns their
    number."""
    command, runs = shown.command()
    compared = 0
    jobs = shown.jobs()
    # In default mode the tests of a model are one run, whose page lists them. Tests that are queries also have runs of
    # their own, from 1.47 on.
    of_models = {} if structured else {job: shown.tests_of(run) for job, run in runs.items() if job.endswith(".test")}
    listed = {name: (job, status) for job, tests in of_models.items() for name, status in tests.items()}
    filed: dict[str, list[str]] = {job: [] for job in of_models}
    for result in results:
        if not is_sent(result, structured=structured):
            continue
        compared += 1
        if result.kind == "test" and not structured:
            job, status = listed[result.name]
            filed[job].append(sent_status(result, version))
            if result.is_generic_test or not version.has_counts:
                assert status == sent_status(result, version), result
                continue
        run = runs.pop(job_of(result, version, structured=structured))
        assert run.state == jobs[run.job]["latest_run"]["state"] == STATES[result.status], result
        if is_timed(result, structured=structured):
            assert_same_times(run, result)
    for job, statuses in filed.items():
        assert runs.pop(job).state == jobs[job]["latest_run"]["state"] == worst_state(statuses), job
    assert not runs
    assert command.state == (command_state or worst_state([result.status for result in results]))
    return compared


def assert_sent_again_is_shown_once(project: DbtProject, shown: Shown) -> None:
    """The replay is in default mode: one run for all tests of a model. After structured mode each has a run already."""
    runs, jobs = shown.runs(), shown.jobs()

    project.run("send-events")

    assert shown.runs() == runs
    assert shown.jobs() == jobs
