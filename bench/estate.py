"""Events of an estate of lineage: layers of jobs that read tables of the layer before and write three of their own.

Ten tables are hubs, which jobs of all layers read. Each job has two runs, and names the columns of what it writes.
"""

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bench.events import facet

NAMESPACE: Final = "postgres://warehouse:5432"
LAYERS: Final = 10
WRITES: Final = 3
EVENTS_OF_RUN: Final = 2
_READS = 3
_HUBS = 10
_COLUMNS = ("id", "ordered_at", "customer", "country", "amount", "tax")
RUNS = 2
_RUN_LASTS = timedelta(minutes=5)


@dataclass(frozen=True)
class Estate:
    """An estate of `jobs` jobs, which write three tables each. Ten hubs are read by a tenth of the jobs each."""

    jobs: int
    until: datetime

    @property
    def hubs(self) -> list[str]:
        """Names of the tables that the most jobs read."""
        return [_table(job, 0) for job in range(_HUBS)]

    @property
    def tables(self) -> list[str]:
        return [_table(job, number) for job in range(self.jobs) for number in range(WRITES)]

    def events(self) -> Iterator[bytes]:
        """Yield a START and a COMPLETE for each of two runs of each job."""
        choose = random.Random(13)  # noqa: S311 - nothing secret
        reads = [self._reads(job, choose) for job in range(self.jobs)]
        ids = (UUID(int=choose.getrandbits(128), version=4) for _ in itertools.count())
        for run, job in itertools.product(range(RUNS), range(self.jobs)):
            began = self.until - timedelta(days=RUNS - run) + timedelta(seconds=job)
            run_id = str(next(ids))
            for type_, time in (("START", began), ("COMPLETE", began + _RUN_LASTS)):
                yield _event(type_, time, run_id, job, reads[job])

    def _reads(self, job: int, choose: random.Random) -> list[str]:
        width = self.jobs // LAYERS
        layer = job // width
        hubs = [self.hubs[number] for number in range(_HUBS) if job >= _HUBS and choose.random() < 1 / _HUBS]
        if not layer:
            return hubs
        before = range((layer - 1) * width, layer * width)
        return [*(_table(choose.choice(before), choose.randrange(WRITES)) for _ in range(_READS)), *hubs]


def _table(job: int, number: int) -> str:
    return f"marts.orders_{job:05d}_{number}"


def _event(type_: str, time: datetime, run_id: str, job: int, reads: list[str]) -> bytes:
    event = {
        "eventTime": time.isoformat(),
        "eventType": type_,
        "producer": "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_id},
        "job": {"namespace": "production", "name": f"shop.load_{job:05d}"},
        "inputs": [{"namespace": NAMESPACE, "name": name} for name in reads],
        "outputs": [_output(_table(job, number), reads) for number in range(WRITES)],
    }
    return json.dumps(event).encode()


def _output(name: str, reads: list[str]) -> dict[str, Any]:
    fields = {
        column: {"inputFields": [{"namespace": NAMESPACE, "name": source, "field": column} for source in reads[:1]]}
        for column in _COLUMNS
    }
    schema = [{"name": column, "type": "VARCHAR(256)"} for column in _COLUMNS]
    facets = {"schema": facet("SchemaDatasetFacet", fields=schema)}
    if reads:
        facets["columnLineage"] = facet("ColumnLineageDatasetFacet", fields=fields)
    return {"namespace": NAMESPACE, "name": name, "facets": facets}
