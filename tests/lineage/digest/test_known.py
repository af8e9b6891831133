"""A process does not write rows again that it saw committed, and writes all others."""

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import pytest

from lineage.digest.digest import digest
from lineage.digest.fold import ReceivedEvent, Rows, fold
from lineage.digest.known import Written
from lineage.events import decode_event
from lineage.models import Dataset, Edge, Job
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, Sender

CONNECTION = uuid4()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def rows_of(**fields: object) -> Rows:
    return fold([ReceivedEvent(CONNECTION, decode_event(run_event(**fields)), NOW)])  # type: ignore[arg-type]


def unwritten(written: Written, rows: Rows) -> tuple[int, int, int, int]:
    """Count the jobs, datasets, descriptions of datasets and edges that are to be written."""
    found = (written.jobs(rows), written.datasets(rows), written.described(rows), written.edges(rows))
    jobs, datasets, described, edges = map(len, found)
    return jobs, datasets, described, edges


def test_what_was_committed_is_left_out() -> None:
    written, rows = Written(), rows_of(inputs=[dataset("a")], outputs=[dataset("b", schema={"fields": []})])
    assert unwritten(written, rows) == (1, 2, 1, 2)
    written.note(rows)
    assert unwritten(written, rows) == (0, 0, 0, 0)


def test_a_dataset_that_is_described_later_is_marked() -> None:
    written = Written()
    written.note(rows_of(inputs=[dataset("a")]))
    described = rows_of(inputs=[dataset("a", schema={"fields": []})])
    assert unwritten(written, described) == (0, 0, 1, 0)
    written.note(described)
    written.note(rows_of(inputs=[dataset("a")]))
    assert unwritten(written, described) == (0, 0, 0, 0)


def test_an_edge_is_written_once_an_hour() -> None:
    written = Written()
    for seconds in (3600, 3 * 3600):
        written.note(rows_of(time=at(seconds), inputs=[dataset("a")]))
    edges_to_write = {
        seconds: unwritten(written, rows_of(time=at(seconds), inputs=[dataset("a")]))[3]
        for seconds in (3599, 3601, 2 * 3600, 4 * 3600 - 1, 4 * 3600)
    }
    assert edges_to_write == {3599: 1, 3601: 0, 2 * 3600: 0, 4 * 3600 - 1: 0, 4 * 3600: 1}


def described(text: str, seconds: float) -> Rows:
    return rows_of(time=at(seconds), job_facets={"documentation": {"description": text}})


def test_a_job_that_repeats_itself_is_described_once_a_second() -> None:
    written = Written()
    for seconds in (5, 3):
        written.note(described("a", seconds))
    to_write = {
        (text, seconds): bool(written.descriptions(described(text, seconds)))
        for text, seconds in (("a", 4), ("a", 5.9), ("b", 4), ("b", 5.9), ("a", 6))
    }
    assert to_write == {("a", 4): False, ("a", 5.9): False, ("b", 4): False, ("b", 5.9): True, ("a", 6): True}


def test_what_a_job_says_anew_is_written_though_the_rest_is_known() -> None:
    written = Written()
    written.note(described("a", 5))
    owned = rows_of(time=at(1), job_facets={"ownership": {"owners": [{"name": "ops"}]}})
    assert written.descriptions(owned)
    written.note(owned)
    assert not written.descriptions(owned)
    assert not written.descriptions(described("a", 5))


def test_it_forgets_after_a_while() -> None:
    clock = Clock()
    written, rows = Written(seconds=300, monotonic=clock), rows_of()
    written.note(rows)
    clock.now = 301
    written.note(rows_of(job="another"))
    assert unwritten(written, rows)[0] == 1


def test_its_size_is_bounded() -> None:
    written = Written(most=10)
    for number in range(100):
        written.note(rows_of(job=f"job {number}"))
    remembered = sum(unwritten(written, rows_of(job=f"job {number}"))[0] == 0 for number in range(100))
    assert 0 < remembered <= 11


def test_a_transaction_that_was_rolled_back_is_not_remembered(sender: Sender) -> None:
    event = run_event("START", at(0), inputs=[dataset("a")])
    submission = sender.submission([event])
    [refused] = digest([submission._replace(voucher=replace(submission.voucher, id=uuid4()))], now=NOW)
    assert not refused.accepted
    assert not Job.objects.exists()

    [receipt] = digest([submission], now=NOW)
    assert receipt.stored == 1
    assert (Job.objects.count(), Dataset.objects.count(), Edge.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("hour", [13, 11])
def test_an_edges_hours_span_its_events(sender: Sender, hour: int) -> None:
    for time in (at(600), f"2026-11-20T{hour}:59:59Z"):
        sender.send(run_event("START", time, inputs=[dataset("a")]))
    edge = Edge.objects.get()
    said = [datetime.fromisoformat(f"2026-11-20T{each}:00:00Z") for each in sorted((12, hour))]
    assert [edge.first_event_hour, edge.last_event_hour] == said
