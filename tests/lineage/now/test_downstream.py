"""Datasets and jobs downstream of a job are counted along edges that are in use, each dataset and job once."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from lineage.models import Job
from lineage.now.downstream import Downstream, JobEdge, count_downstream, read_downstream
from tests.lineage.conftest import make_sender
from tests.lineage.graph.walks import run

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def id_of(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_DNS, name)


def edge(job: str, dataset: str, direction: str = "WRITES", *, days_ago: int = 0, effects: int = 1) -> JobEdge:
    at = NOON - timedelta(days=days_ago)
    return JobEdge(uuid.UUID(int=1), id_of(job), id_of(dataset), direction, at, None, effects)


def reads(job: str, dataset: str) -> JobEdge:
    return edge(job, dataset, "READS")


def counted(*edges: JobEdge) -> Downstream | None:
    return count_downstream([id_of("load")], edges).get(id_of("load"))


def test_each_dataset_and_job_counts_once() -> None:
    diamond = [edge("load", "raw"), reads("a", "raw"), reads("b", "raw"), edge("a", "x"), edge("b", "x")]
    assert counted(*diamond) == Downstream(datasets=2, jobs=2)
    loop = [edge("load", "raw"), reads("load", "raw"), reads("a", "raw"), edge("a", "raw")]
    assert counted(*loop) == Downstream(datasets=1, jobs=1)


def test_the_way_ends_after_three_datasets() -> None:
    chain = [edge("load", "0")]
    for number in range(5):
        chain += [reads(f"j{number}", str(number)), edge(f"j{number}", str(number + 1))]
    assert counted(*chain) == Downstream(datasets=3, jobs=2)


def test_what_is_no_longer_written_or_only_dropped_does_not_count() -> None:
    assert counted(edge("load", "new"), edge("load", "old", days_ago=8), edge("load", "gone", effects=8)) == (
        1,
        0,
        False,
    )
    assert counted(reads("load", "raw")) is None


@pytest.mark.django_db
def test_events_of_two_connections() -> None:
    one, other = make_sender(), make_sender()
    one.send(run("load", writes="raw"), run("alone", reads="raw"))
    other.send(run("stage", reads="raw", writes="staged", at_minute=1), run("report", reads="staged", at_minute=2))
    jobs = {job.name: (job.connection_id, job.id) for job in Job.objects.all()}
    both = [one.connection.pk, other.connection.pk]
    found = read_downstream([jobs["load"], jobs["report"]], both)
    assert found == {jobs["load"][1]: Downstream(datasets=2, jobs=3)}
    assert read_downstream([jobs["load"]], both[:1]) == {jobs["load"][1]: Downstream(datasets=1, jobs=1)}
