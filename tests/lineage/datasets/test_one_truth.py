"""Dataset, job and graph agree on one estate: writers, readers, the last write, tests and drops."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from lineage.database.reading import NOW
from lineage.datasets.dataset import DatasetDetails, find_dataset, read_dataset
from lineage.datasets.listing import Key, read_listed
from lineage.events.identity import dataset_id
from lineage.graph.answer import answer
from lineage.graph.counts import count_jobs
from lineage.graph.found import Answer, FoundNode
from lineage.graph.question import Focus, Question
from lineage.jobs.job_datasets import datasets_of_job
from lineage.models import Job
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import READER, Sender
from tests.lineage.graph.walks import run

pytestmark = pytest.mark.django_db

PATH, TABLE = ("hdfs", "/wh/t"), ("hive", "default.t")
SYMLINK = {"identifiers": [{"namespace": "hive", "name": "default.t", "type": "TABLE"}]}
SQL = {"jobType": {"jobType": "SQL_JOB", "integration": "SPARK", "processingType": "BATCH"}}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = 24 * 60.0


def event(job: str, minute: float, type_: str = "COMPLETE", **fields: Any) -> bytes:
    time = (NOON + timedelta(minutes=minute)).isoformat()
    return run_event(type_, time, **{"run": f"{job} {minute}", "job": job, **fields})


def path(**facets: Any) -> dict[str, Any]:
    return dataset("/wh/t", "hdfs", symlinks=SYMLINK, **facets)


def table(**facets: Any) -> dict[str, Any]:
    return dataset("default.t", "hive", **facets)


def changed(change: str) -> dict[str, Any]:
    return {"lifecycleStateChange": {"lifecycleStateChange": change}}


def below(parent: int) -> dict[str, Any]:
    return {"parent": {"run": {"runId": str(UUID(int=parent))}, "job": {"namespace": "n", "name": "above"}}}


def checked(number: int, parent: int, of: dict[str, Any], *, success: bool, severity: str = "error") -> bytes:
    assertion = {"assertion": f"rule {number}", "success": success, "severity": severity, "actual": "3"}
    tested = {**of, "inputFacets": {"dataQualityAssertions": {"assertions": [assertion]}}}
    return event(f"test {number}", number, inputs=[tested], run_facets=below(parent))


def estate() -> list[bytes]:
    declared = event("declared", 3, inputs=[table()]).replace(b'"run": {', b'"ran": {')
    return [
        event("spark", -3 * DAY, outputs=[path()]),
        event("spark", 20, outputs=[path()]),
        event("spark", 40, "FAIL", outputs=[path()]),
        event("spark", 50, "START"),
        event("alter", 45, outputs=[table(**changed("ALTER"))]),
        event("varying", -3 * DAY, outputs=[table()]),
        event("varying", 5, outputs=[dataset("other")]),
        event("past", -12 * DAY, outputs=[table()]),
        event("past", 5, outputs=[dataset("other")]),
        event("reader", 1, inputs=[path()]),
        *(event("mapped", n, run=f"m{n}", inputs=[table()] * (n == 2), run_facets=below(9)) for n in (2, 3)),
        declared.replace(b', "eventType": "COMPLETE"', b""),
        event("app.insert", 6, "START", run="renamed", inputs=[table()], job_facets=SQL),
        event("app.insert.other", 7, run="renamed", outputs=[dataset("other")], job_facets=SQL),
        checked(10, 7, path(), success=False),
        *(checked(n, 8, path() if n % 2 else table(), success=n != 12) for n in (11, 12, 13)),
        checked(14, 8, table(), success=False, severity="warn"),
    ]


def of_page(names: tuple[str, str]) -> DatasetDetails:
    found = find_dataset(dataset_id(*names), READER)
    assert found
    return read_dataset(found)


def of_graph(sender: Sender, names: tuple[str, str]) -> tuple[Answer, FoundNode]:
    found = answer(Question(Focus("dataset", dataset_id(*names)), (sender.connection.pk,), depth=1), view="jobs")
    assert found.focus
    return found, found.focus


def uses_in_graph(found: Answer, node: FoundNode) -> set[tuple[str, str, str]]:
    names = {one.key: one.name for one in found.nodes}
    writes = {("WRITES", names[edge.source], edge.kind) for edge in found.edges if edge.target == node.key}
    return writes | {("READS", names[edge.target], edge.kind) for edge in found.edges if edge.source == node.key}


def uses_of_jobs(ids: set[UUID]) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for job in Job.objects.shown():
        touched = datasets_of_job(job)
        for direction, of_side in (("WRITES", touched.writes), ("READS", touched.reads)):
            found |= {(direction, job.name, one.use) for one in of_side if one.use and one.dataset.id in ids}
    return found


@pytest.mark.parametrize("names", [PATH, TABLE])
def test_they_agree(sender: Sender, names: tuple[str, str]) -> None:
    sender.send(*estate())
    page, (graph, node) = of_page(names), of_graph(sender, names)
    users = [*page.users.writers, *page.users.readers]
    expected = {
        *(("WRITES", "spark", "current"), ("WRITES", "varying", "varying")),
        *(("READS", job, "current") for job in ("reader", "mapped", "app.insert.other")),
        ("READS", "declared", "declared"),
        *(("READS", f"test {n}", "current") for n in range(10, 15)),
    }
    assert {(one.direction, one.job.name, one.use) for one in users if one.use} == expected
    assert uses_in_graph(graph, node) == expected
    assert uses_of_jobs(set(page.found.names)) == expected
    for varying in (True, False):
        # The reader that was renamed is counted under no name.
        uses = [one for one in expected if one[1] != "app.insert.other" and (varying or one[2] != "varying")]
        counts = count_jobs({node.id: page.found.names}, [sender.connection.pk], at=NOW, varying=varying)
        assert counts == Counter((node.id, direction) for direction, _, _ in uses)
    assert [one.job.name for one in users if one.use is None] == ["past"]
    [listed] = read_listed([Key(dataset_id(*names), *names)], [sender.connection.pk])
    written = {of and of.ended_at for of in (page.last_write, listed.last_write)} | {node.last_written_at}
    assert [time and time.isoformat() for time in written] == ["2026-11-20T12:20:00+00:00"]
    assert page.last_job
    assert page.last_job.name == "spark"
    states = [(state, 1) for state in ("failed", "warned")] + [("passed", 2)]
    assert (page.tests.by_state, listed.tests.by_state) == (states, states)
    assert (node.results.failed_checks, node.results.checks) == (1, 4)
    assert [page.dropped_at, listed.dropped_at, node.dropped_at] == [None] * 3


def test_they_say_when_it_went(sender: Sender) -> None:
    """A dataset that was dropped, one that was renamed, and one whose drop failed."""
    renamed = {
        "lifecycleStateChange": {
            "lifecycleStateChange": "RENAME",
            "previousIdentifier": {"namespace": "warehouse", "name": "old"},
        }
    }
    sender.send(run("J", "A", "dropped old kept"))
    sender.send(run("D", "", "dropped", at_minute=5, facets={"dropped": changed("DROP")}))
    sender.send(run("R", "", "new", at_minute=6, facets={"new": renamed}))
    sender.send(run("F", "", "kept", at_minute=7, type_="FAIL", facets={"kept": changed("DROP")}))
    went = {}
    for name in ("dropped", "old", "new", "kept"):
        names = ("warehouse", name)
        [listed] = read_listed([Key(dataset_id(*names), *names)], [sender.connection.pk])
        times = {of_page(names).dropped_at, listed.dropped_at, of_graph(sender, names)[1].dropped_at}
        assert len(times) == 1, name
        went[name] = times.pop()
    assert {name: time and time.minute for name, time in went.items()} == {
        "dropped": 5,
        "old": 6,
        "new": None,
        "kept": None,
    }
