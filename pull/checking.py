"""Check of a source: do the runs that its system lists stand here, in equal states?"""

import time
from datetime import datetime, timedelta
from typing import Final

from lineage.models import Run
from pull.comparison import Comparison, Names, compare
from pull.http.hosts import AllowedHosts
from pull.models import PullSource
from pull.opening import open_source
from pull.sources.fetched import ListedRun

DAY: Final = timedelta(hours=24)
MOST_RUNS: Final = 1000
# After which no further page is asked for: a person waits.
SECONDS: Final = 15


def check(source: PullSource, *, allowed: AllowedHosts, now: datetime) -> Comparison:
    """Compare the runs of the last 24 hours: theirs and ours. Raises Fault and SecretUnreadable."""
    fetcher, _ = open_source(source, memory={}, allowed=allowed)
    try:
        since, until = now - DAY, time.monotonic() + SECONDS
        listed: list[ListedRun] = []
        for run in fetcher.listed(since, MOST_RUNS):
            listed.append(run)
            if time.monotonic() > until:
                break
        is_whole = len(listed) < MOST_RUNS and time.monotonic() <= until
    finally:
        fetcher.close()
    stored = _stored(source, {run.name for run in listed})
    return compare(listed, stored, since=since, fetched_until=source.cursor, is_whole=is_whole)


def _stored(source: PullSource, names: set[str]) -> dict[Names, str]:
    """Shown states of the runs with these names: of one that was cleared, the last."""
    runs = Run.objects.filter(
        connection_id=source.connection_id, orchestrator_run_id__in=names, is_hidden=False
    ).order_by("run_at", "id")
    columns = runs.values_list("job__name", "orchestrator_run_id", "shown_state")
    return {(job_name, name): state for job_name, name, state in columns}
