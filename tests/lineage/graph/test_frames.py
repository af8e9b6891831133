"""A job whose run started the run of another writer is its frame: the inner job is drawn."""

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from lineage.events.identity import dataset_id
from lineage.graph.answer import answer
from lineage.graph.found import Answer
from lineage.graph.question import Focus, Question, View
from lineage.models import Job
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.graph.walks import ORDERS

pytestmark = pytest.mark.django_db

NewSender = Callable[[], Sender]


def event(number: int, job: str, reads: str, writes: str, parent: tuple[int, str] | None = None, **of: Any) -> bytes:
    """`number`: of the run. `parent`: number and job of the run that started it."""
    facets = {}
    if parent:
        above = {"runId": str(UUID(int=parent[0]))}
        facets = {"parent": {"run": above, "job": {"namespace": "n", "name": parent[1]}}}
    of = {"type_": "COMPLETE", "time": at(number), "run_facets": facets, **of}
    inputs, outputs = ([dataset(name) for name in names.split()] for names in (reads, writes))
    return run_event(run=str(UUID(int=number)), job=job, inputs=inputs, outputs=outputs, **of)


def ask(senders: list[Sender], name: str = "T", view: View = "datasets", *, job: str = "") -> Answer:
    focus = Focus("dataset", dataset_id("warehouse", name))
    if job:
        found = Job.objects.get(name=job, connection__in=[sender.connection for sender in senders])
        focus = Focus("job", found.id, found.connection_id)
    return answer(Question(focus, tuple(sender.connection.pk for sender in senders), depth=10), view=view)


def lines(found: Answer) -> set[tuple[str, str, str, str]]:
    """Each line: from, to, the jobs through which it leads, and those that frame them."""
    names = {node.key: node.name for node in found.nodes}
    jobs = {job.id: job.name for node in found.nodes for job in (*node.jobs, *([node.job] if node.job else []))}
    return {
        (
            names[edge.source],
            names[edge.target],
            ", ".join(sorted(jobs[job] for job in edge.jobs)),
            ", ".join(found.frames[job].name for job in edge.within),
        )
        for edge in found.edges
    }


# The task runs dbt, whose command runs a model. The task tells of the table, too.
AIRFLOW = [event(1, "load.dbt", "", "", type_="START"), event(1, "load.dbt", "S", "T")]
DBT = [event(2, "dbt", "", "", (1, "load.dbt")), event(3, "model.t", "S R", "T", (2, "dbt"))]


@pytest.mark.parametrize("is_one_connection", [False, True])
def test_the_model_is_drawn_within_the_task(new_sender: NewSender, *, is_one_connection: bool) -> None:
    for seed in range(ORDERS):
        chance = random.Random(seed)
        airflow = new_sender()
        dbt = airflow if is_one_connection else new_sender()
        sent = [(airflow, body) for body in AIRFLOW] + [(dbt, body) for body in DBT]
        sent += chance.sample(sent, 2)
        chance.shuffle(sent)
        for sender, body in sent:
            sender.send(body)
        senders = [airflow, dbt]
        flows = {(source, "T", "model.t", "load.dbt") for source in "RS"}
        assert lines(ask(senders)) == lines(ask(senders, "S")) | lines(ask(senders, "R")) == flows
        assert lines(ask(senders, view="jobs")) == {
            ("S", "model.t", "model.t", ""),
            ("R", "model.t", "model.t", ""),
            ("model.t", "T", "model.t", "load.dbt"),
        }
        [table] = [node for node in ask(senders).nodes if node.name == "T"]
        assert [job.name for job in table.jobs] == ["model.t"]
        assert ([job.name for job in table.within], table.more_up) == (["load.dbt"], 0)


def test_what_the_task_alone_reads_stays(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    airflow.send(event(1, "load.dbt", "S A", "T"))
    dbt.send(*DBT)
    assert lines(ask([airflow, dbt])) == {
        ("A", "T", "load.dbt", ""),
        ("R", "T", "model.t", "load.dbt"),
        ("S", "T", "model.t", "load.dbt"),
    }


def test_a_task_in_focus_is_drawn(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    airflow.send(*AIRFLOW)
    dbt.send(*DBT)
    drawn = {(edge[0], edge[1]) for edge in lines(ask([airflow, dbt], job="load.dbt"))}
    assert drawn >= {("S", "load.dbt"), ("load.dbt", "T")}


def test_a_writer_that_nothing_started_is_no_part_of_a_frame(new_sender: NewSender) -> None:
    """A run of another task, and a parent of which no event tells."""
    airflow, dbt = new_sender(), new_sender()
    airflow.send(event(1, "load.other", "S", "T"))
    dbt.send(event(3, "model.t", "S", "T", (9, "load.dbt")))
    assert lines(ask([airflow, dbt])) == {("S", "T", "load.other, model.t", "")}
