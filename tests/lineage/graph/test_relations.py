"""Jobs that run after others, and lineage that a sender could not work out."""

from typing import Any

import pytest

from lineage.events.event import Extraction
from lineage.events.extraction import in_words
from lineage.graph.answer import answer
from lineage.graph.found import Answer
from lineage.graph.question import Focus, Question
from lineage.jobs.dependencies import dependencies_of
from lineage.models import Job, Relation
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.graph.test_answer import ask, edges, nodes
from tests.lineage.graph.walks import orders, run
from tests.lineage.state import projection

pytestmark = pytest.mark.django_db

NAMESPACE = "namespace"


def depending(job: str, *, up: str = "", down: str = "", reads: str = "", writes: str = "", minute: float = 0) -> bytes:
    facet = {
        side: [{"job": {"namespace": NAMESPACE, "name": name}} for name in names.split()]
        for side, names in (("upstream", up), ("downstream", down))
    }
    return run(job, reads, writes, at_minute=minute, run_facets={"jobDependencies": facet})


def around(sender: Sender, name: str, **asked: Any) -> Answer:
    job = Job.objects.get(connection=sender.connection, name=name)
    question = Question(Focus("job", job.id, job.connection_id), (sender.connection.pk,), **asked)
    return answer(question, view="jobs")


def before_and_after(sender: Sender, name: str) -> tuple[list[str], list[str]]:
    found = dependencies_of(Job.objects.get(connection=sender.connection, name=name))
    return [job.name for job in found.before], [job.name for job in found.after]


def test_jobs_that_run_after_others(sender: Sender) -> None:
    sender.send(run("load"), run("export"), depending("transform", up="load missing", down="export"))
    expected = {("load", "transform", "depends", ""), ("transform", "export", "depends", "")}
    assert edges(around(sender, "transform")) == expected
    assert edges(around(sender, "load")) == {("load", "transform", "depends", "")}
    assert edges(around(sender, "transform", direction="up")) == {("load", "transform", "depends", "")}
    assert before_and_after(sender, "transform") == (["load"], ["export"])
    assert before_and_after(sender, "export") == (["transform"], [])


def test_dependencies_are_drawn_with_jobs_only(sender: Sender) -> None:
    sender.send(run("J", "A", "B"), depending("K", up="J", reads="B", writes="C"))
    assert ("J", "K", "depends", "") in edges(ask(sender, "A", "jobs"))
    assert edges(ask(sender, "A")) == {("A", "B", "current", "assumed"), ("B", "C", "current", "assumed")}


def test_a_dependency_that_no_event_names_any_more_is_past(sender: Sender) -> None:
    sender.send(run("J"), depending("K", up="J"))
    sender.send(run("K", at_minute=60 * 6))
    assert before_and_after(sender, "K") == (["J"], [])
    Relation.objects.update(last_event_hour="2026-11-13T10:00:00Z")
    assert before_and_after(sender, "K") == ([], [])
    assert edges(around(sender, "K")) == set()


def test_incomplete_lineage_of_the_latest_run_that_ended(sender: Sender) -> None:
    error = {"extractionError": {"totalTasks": 5, "failedTasks": 2, "errors": [{"errorMessage": "x"}]}}
    sender.send(run("J", "A", "B", run_facets=error), run("J", at_minute=5, type_="START"))
    for view in ("jobs", "datasets"):
        found = nodes(ask(sender, "A", view))
        assert found["J" if view == "jobs" else "B"].extraction == (2, 5)
        assert found["A"].extraction is None
    assert in_words(Extraction(2, 5)) == "incomplete: 2 of 5 statements"
    sender.send(run("J", "A", "B", at_minute=6))
    assert nodes(ask(sender, "A"))["B"].extraction is None


@pytest.mark.parametrize(
    ("facet", "words"),
    [
        ({"totalElements": 1, "failedElements": 1, "errors": []}, "incomplete: 1 of 1 statement"),
        ({"errors": [{}, {}]}, "incomplete: 2 statements"),
        ({"totalTasks": 3, "failedTasks": 0, "errors": []}, None),
        ({}, None),
    ],
)
def test_forms_of_the_facet(sender: Sender, facet: dict[str, Any], words: str | None) -> None:
    sender.send(run("J", "A", "B", job_facets={"extractionError": facet}))
    found = nodes(ask(sender, "A"))["B"].extraction
    assert (found and in_words(found)) == words


def test_any_order_gives_the_same_rows() -> None:
    events = [
        run("J"),
        depending("K", up="J L", minute=1),
        depending("L", down="K", minute=90),
        *(
            run("K", run_id="k", at_minute=minute, run_facets={"extractionError": {"errors": [{}] * minute}})
            for minute in (2, 3)
        ),
    ]
    expected = None
    for order in orders(events):
        sender = make_sender()
        sender.send(*order)
        expected = expected or projection(sender.connection.id)
        assert projection(sender.connection.id) == expected
        assert len(expected["Relation"]) == 2
        assert [row["failed"] for row in expected["Extraction"]] == [3]
