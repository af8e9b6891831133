"""Facts of a DAG run from its facet `airflowDagRun` (seen with apache-airflow-providers-openlineage 2.20)."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from lineage.events.event import JobFacts, RunFacts
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS, NOTHING, read_facet, time_or_none
from lineage.events.identity import run_id
from lineage.events.senders.airflow.run_ids import dag_run_id
from lineage.events.senders.sender import RunEvent
from lineage.events.text import storable

# Only the latest earlier ids are kept: a DAG run is hardly ever cleared more often.
MAX_EARLIER_IDS: Final = 50


class _DagRun(Struct):
    run_id: str
    start_date: str | None = None
    clear_number: int | None = None
    logical_date: str | None = None
    run_after: str | None = None


class DagRunFacet(Struct):
    dagRun: _DagRun


def run_facts(run: RunFacts, job: JobFacts, event: RunEvent) -> RunFacts:
    """Add what the facet `airflowDagRun` says to the facts of a DAG run.

    When tasks of a DAG run are cleared, the provider sends its further events under another run id. A DAG run that had
    ended starts again, and is another run. A DAG run that was still running keeps its start and sends no second START:
    both ids belong to one run.
    """
    if job.kind != "DAG":
        return run
    facet = read_facet(getattr(event.run_facets, "airflowDagRun", NOTHING), DagRunFacet)
    if facet is None:
        return run
    called, started_at = storable(facet.dagRun.run_id), time_or_none(facet.dagRun.start_date)
    return msgspec.structs.replace(
        run,
        orchestrator_run_id=called[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS],
        invocation_id=run_id(f"{called} {started_at.isoformat()}")[0] if started_at else None,
        # Only for cleared DAG runs: `airflow dags test` puts the logical date here.
        started_at=started_at if (facet.dagRun.clear_number or 0) > 0 else None,
        earlier_ids=_earlier_ids(run.id, facet.dagRun, f"{event.job_namespace}.{event.job_name}"),
    )


def _earlier_ids(id_: UUID, dag_run: _DagRun, dag: str) -> tuple[UUID, ...]:
    """Compute the ids that a DAG run had before tasks of it were cleared, sorted, as the provider computes them.

    Empty if this computation does not give the present id.
    """
    clears = dag_run.clear_number or 0
    if clears <= 0:
        return ()
    # The provider uses the first time that is set.
    for time in filter(None, map(time_or_none, (dag_run.logical_date, dag_run.run_after))):
        if dag_run_id(dag, time, clears) == id_:
            return tuple(sorted(dag_run_id(dag, time, n) for n in range(max(0, clears - MAX_EARLIER_IDS), clears)))
    return ()
