"""Spark with OpenLineage's listener."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from connections.privacy import PrivacyClass
from lineage.events.errors import ErrorFacet
from lineage.events.event import JobFacts, RunFacts
from lineage.events.links import Link, link
from lineage.events.senders.sender import AllBut, ReadFacet, RunEvent, Sender, Words

_INTEGRATION: Final = "SPARK"
# Message and stack trace of the exception that ended a Spark job. The listener sends no `errorMessage`.
_EXCEPTION: Final = "spark.exception"
_APPLICATION: Final = "spark_applicationDetails"
_JOB: Final = "spark_jobDetails"
_PLANS: Final = ("spark.logicalPlan", "spark_unknown")
_SETTINGS: Final = ("spark_properties", "environment-properties")
# All else in the facet of an application says who runs it and where. Its links stay.
_OF_EVERYBODY: Final = frozenset(
    {"_producer", "_schemaURL", "appName", "applicationId", "deployMode", "historyUrl", "proxyUrl", "uiWebUrl"}
)


class _Application(Struct):
    """Facet of an application. `uiWebUrl`: its driver's UI, which ends with it; `proxyUrl`: that UI behind YARN or a
    reverse proxy; `historyUrl`: the history server."""

    historyUrl: str | None = None
    proxyUrl: str | None = None
    uiWebUrl: str | None = None


def _derived_type(_integration: str, name: str, _has_parent: bool) -> tuple[str, str]:
    # The job of an action is named `application.action_of_what`.
    return "JOB" if "." in name else "APPLICATION", ""


def _run_facts(run: RunFacts, _job: JobFacts, event: RunEvent) -> RunFacts:
    # Spark sends FAIL at a job's end and then COMPLETE at its SQL execution's end, for one run.
    return replace(run, failure_stands=True) if event.event_type == "FAIL" else run


def _links(read: ReadFacet) -> Iterator[Link | None]:
    application = read(_APPLICATION, _Application) or _Application()
    yield link("Spark history", application.historyUrl)
    yield link("Spark UI", application.proxyUrl or application.uiWebUrl)


SPARK: Final = Sender(
    integrations={_INTEGRATION: Words(title="Spark")},
    producers={"spark": _INTEGRATION},
    run_facets=(_EXCEPTION,),
    error_facets=(_EXCEPTION,),
    shapes={_EXCEPTION: (ErrorFacet,), _APPLICATION: (_Application,)},
    private={
        PrivacyClass.CODE: (("run", "facets", _JOB, "jobCallSite"),),
        # Notebooks and the Thrift server describe a job by its statement.
        PrivacyClass.SQL: (*(("run", "facets", name) for name in _PLANS), ("run", "facets", _JOB, "jobDescription")),
        PrivacyClass.ENVIRONMENT: (
            *(("run", "facets", name) for name in _SETTINGS),
            ("run", "facets", _APPLICATION, AllBut(_OF_EVERYBODY)),
        ),
    },
    renames_jobs=True,
    derived_type=_derived_type,
    run_facts=_run_facts,
    links=_links,
)
