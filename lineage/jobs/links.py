"""Links from a job to its sender's pages."""

from collections.abc import Sequence

from lineage.events.links import Link
from lineage.models import Job, Run
from lineage.runs.facets_of_run import links_of


def links_of_latest_run(job: Job, recent: Sequence[Run]) -> list[Link]:
    """Read the links of the job's latest run. `recent`: the result of `recent_runs` in story.py.

    One query. None, and no link, if the latest run is not among them: an instance of a very wide mapped task.
    """
    latest = next((run for run in recent if run.id == job.latest_run_id), None)
    return links_of(latest) if latest else []
