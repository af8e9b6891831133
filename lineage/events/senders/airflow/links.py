"""Links to Airflow's pages, from the facets `airflow` and `airflowDagRun` (seen with the provider 2.20)."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from lineage.events.links import Link, link
from lineage.events.senders.sender import ReadFacet


class _WithLog(Struct):
    log_url: str | None = None


class LogUrls(Struct):
    """Facet with the URL of the task's log. The provider gives a DAG run none yet; some deployments add one."""

    taskInstance: _WithLog = msgspec.field(default_factory=_WithLog)
    dagRun: _WithLog = msgspec.field(default_factory=_WithLog)


def links(read: ReadFacet) -> Iterator[Link | None]:
    of_task, of_dag_run = read("airflow", LogUrls) or LogUrls(), read("airflowDagRun", LogUrls) or LogUrls()
    yield link("Airflow task log", of_task.taskInstance.log_url)
    yield link("Airflow DAG run", of_task.dagRun.log_url or of_dag_run.dagRun.log_url)
