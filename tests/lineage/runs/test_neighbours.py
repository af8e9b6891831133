"""Runs before and after a run, and the last good one."""

from uuid import UUID

from lineage.models import Run
from lineage.runs.neighbours import neighbours_of
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender


def send(sender: Sender, number: int, end: str, **options: object) -> UUID:
    run = UUID(int=number)
    for type_, time in (("START", at(number * 60)), (end, at(number * 60 + 10))):
        sender.send(run_event(type_, time, run=str(run), **options))  # type: ignore[arg-type]
    return run


def ids_of(sender: Sender, run: UUID) -> list[int | None]:
    found = neighbours_of(Run.objects.get(connection=sender.connection, run_id=run))
    return [one.run_id.int if one else None for one in found]


def test_by_the_time_at_which_they_took_place(sender: Sender) -> None:
    runs = [send(sender, number, end) for number, end in ((3, "FAIL"), (1, "COMPLETE"), (4, "FAIL"), (2, "FAIL"))]
    send(sender, 5, "COMPLETE", job="another")
    assert [ids_of(sender, run) for run in sorted(runs)] == [
        [None, 2, None],
        [1, 3, 1],
        [2, 4, 1],
        [3, None, 1],
    ]


def test_tries_of_a_task_stand_for_one_run(sender: Sender) -> None:
    def facets(day: int, attempt: int) -> dict[str, object]:
        parent = {"run": {"runId": str(UUID(int=100 + day))}, "job": {"namespace": "namespace", "name": "dag"}}
        tries = {
            "taskInstance": {"try_number": attempt, "map_index": -1},
            "task": {"retries": 1},
            "dag": {},
            "dagRun": {},
        }
        return {"parent": parent, "airflow": {**tries, "dag": {}, "dagRun": {}}}

    send(sender, 1, "FAIL", job="dag.load", run_facets=facets(1, 1))
    send(sender, 2, "COMPLETE", job="dag.load", run_facets=facets(1, 2))
    first = send(sender, 3, "FAIL", job="dag.load", run_facets=facets(2, 1))
    last = send(sender, 4, "FAIL", job="dag.load", run_facets=facets(2, 2))
    assert ids_of(sender, last) == [2, None, 2]
    assert ids_of(sender, first) == [2, None, 2]
