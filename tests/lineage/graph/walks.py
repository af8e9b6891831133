"""Short ways to say which lineage events give, and which lineage a walk finds."""

import random
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from lineage.events.identity import dataset_id
from lineage.graph.question import Focus, Question
from lineage.graph.reading import Reads
from lineage.graph.walk import Graph, moment, walk
from lineage.models import Dataset, Job, Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender

NAMESPACE: Final = UUID(int=7)
ORDERS: Final = 20


def run(
    job: str,
    reads: str = "",
    writes: str = "",
    *,
    at_minute: float = 0,
    type_: str = "COMPLETE",
    run_id: str = "",
    facets: dict[str, Any] | None = None,
    **fields: Any,
) -> bytes:
    """An event of a run; `reads` and `writes`: names of datasets. `facets`: name of an output → its facets."""
    of = facets or {}
    return run_event(
        type_,
        at(at_minute * 60),
        run=str(uuid5(NAMESPACE, run_id or f"{job} {at_minute}")),
        job=job,
        inputs=[dataset(name) for name in reads.split()],
        outputs=[dataset(name, **of.get(name, {})) for name in writes.split()],
        **fields,
    )


def orders(events: list[bytes]) -> Iterable[list[bytes]]:
    """The events in many orders, each with some of them twice."""
    for seed in range(ORDERS):
        chance = random.Random(seed)
        shuffled = events + chance.sample(events, len(events) // 2)
        chance.shuffle(shuffled)
        yield shuffled


def graph_of(
    senders: Sender | list[Sender],
    name: str = "",
    *,
    job: str = "",
    namespace: str = "warehouse",
    then: datetime | None = None,
    **asked: Any,
) -> Graph:
    """The graph around a dataset, or around a job of the first sender."""
    all_ = [senders] if isinstance(senders, Sender) else senders
    if job:
        found = Job.objects.get(connection=all_[0].connection, name=job)
        focus = Focus("job", found.id, found.connection_id)
    else:
        focus = Focus("dataset", dataset_id(namespace, name))
    asked = {"depth": 10, "at": then, **asked}
    question = Question(focus, tuple(sender.connection.pk for sender in all_), **asked)
    return walk(question, Reads(question.connection_ids, moment(question)))


def names_in(graph: Graph) -> dict[UUID, str]:
    """The id of each dataset and job → its name."""
    found = dict(Dataset.objects.filter(id__in=graph.datasets).values_list("id", "name"))
    return found | dict(Job.objects.filter(id__in=graph.jobs).values_list("id", "name"))


def lines(graph: Graph) -> set[str]:
    """Each line as `dataset>job` or `job>dataset`, with `~` if it is varying, and `old=>new` for a rename."""
    names, found = names_in(graph), set()
    for line, edges in graph.lines.items():
        job, of = names[line.job_id], names[line.dataset]
        sign = "~" if {one.use for one in edges} == {"varying"} else ">"
        found.add(f"{of}{sign}{job}" if line.direction == "READS" else f"{job}{sign}{of}")
    return found | {
        f"{names[before]}=>{names[after]}"
        for before, after in graph.renames
        if before in graph.datasets and after in graph.datasets
    }


def datasets(graph: Graph) -> set[str]:
    names = names_in(graph)
    return {names[id_] for id_ in graph.datasets}


def run_named(sender: Sender, name: str) -> Run:
    return Run.objects.get(connection=sender.connection, job__name=name)
