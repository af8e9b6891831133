"""Systems that send nothing by themselves: Observatory fetches from them, and writes events in this form.

Run facet `observatory_run`: what the specification has no place for. All its fields may be left out.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from lineage.events.event import JobFacts, RunFacts
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS, NOTHING, RunFacets, count_or_none, read_facet
from lineage.events.links import Link, link
from lineage.events.senders.sender import NO_TRIES, ReadFacet, RunEvent, Sender, Tries, Words
from lineage.events.text import storable


class FetchedRun(Struct):
    """`skipped`: its end says that it was not to run. `name`: the system's own name of the run. `url`: its page."""

    attempt: int | None = None
    max_attempts: int | None = None
    map_index: int | None = None
    skipped: bool = False
    name: str | None = None
    url: str | None = None


_NOTHING_FETCHED: Final = FetchedRun()


def _tries(facets: RunFacets) -> Tries:
    fetched = _read(facets)
    if fetched is _NOTHING_FETCHED:
        return NO_TRIES
    return count_or_none(fetched.attempt), count_or_none(fetched.max_attempts), count_or_none(fetched.map_index)


def _run_facts(run: RunFacts, _job: JobFacts, event: RunEvent) -> RunFacts:
    fetched = _read(event.run_facets)
    name = storable(fetched.name or "")[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS]
    if fetched.skipped and event.event_type in ("COMPLETE", "ABORT"):
        return replace(run, outcome="SKIP", orchestrator_run_id=name)
    return replace(run, orchestrator_run_id=name) if name else run


def _read(facets: RunFacets) -> FetchedRun:
    return read_facet(getattr(facets, "observatory_run", NOTHING), FetchedRun) or _NOTHING_FETCHED


def _links(read: ReadFacet) -> Iterator[Link | None]:
    fetched = read("observatory_run", FetchedRun)
    if fetched is not None:
        yield link("Run", fetched.url)


FETCHED: Final = Sender(
    integrations={
        "AZURE_DATA_FACTORY": Words(name="Data Factory", title="Azure Data Factory", run_id_title="Pipeline run id"),
        "DATABRICKS_WORKFLOWS": Words(
            name="Databricks", title="Databricks Workflows", run_id_title="Databricks run id"
        ),
        "FIVETRAN": Words(name="Fivetran", title="Fivetran"),
        "GLUE": Words(name="Glue", title="AWS Glue", run_id_title="Glue run id"),
        "MATILLION": Words(name="Matillion", title="Matillion"),
        "STEP_FUNCTIONS": Words(name="Step Functions", title="AWS Step Functions", run_id_title="Execution ARN"),
    },
    run_facets=("observatory_run",),
    shapes={"observatory_run": (FetchedRun,)},
    tries=_tries,
    run_facts=_run_facts,
    links=_links,
)
