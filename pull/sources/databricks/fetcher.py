"""Fetches from one Databricks workspace. Its filters know only starts of runs, so open runs are read until they end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Final

from pull.sources.databricks.api import DatabricksApi
from pull.sources.databricks.events import LISTED_AS, Writer
from pull.sources.databricks.probe import probe
from pull.sources.databricks.records import Outcome, Run, UnknownState
from pull.sources.descriptions import described, full_hour
from pull.sources.fetched import Batch, DescribedJob, ListedRun, Window
from pull.sources.fetcher import Opened, Step

# A run that is still under way after this time sends an event each hour, so that it is not taken for lost.
_SILENT_FOR: Final = timedelta(hours=6)
_AT_ONCE: Final = 25


class DatabricksFetcher:
    def __init__(self, opened: Opened, api: DatabricksApi, host: str) -> None:
        self._api = api
        self._client = opened.client
        self._open_runs = opened.open_runs
        self._writer = Writer(host)

    def close(self) -> None:
        self._client.close()

    def now(self) -> datetime | None:
        _ = self._names
        return self._client.their_time

    def probe(self) -> Iterator[Step]:
        return probe(self._api)

    @cached_property
    def _names(self) -> dict[int, str]:
        """Job id → name. Jobs may share a name: then the id stands behind it, but for the oldest job.

        So a new job leaves the name of an old one as it is: runs under way would be shown twice if it changed.
        """
        self._jobs = [job for page in self._api.jobs() for job in page]
        oldest: dict[str, int] = {}
        for job in sorted(self._jobs, key=lambda job: (job.created_time, job.job_id)):
            oldest.setdefault(job.settings.name, job.job_id)
        return {
            job.job_id: job.settings.name
            if job.settings.name and oldest[job.settings.name] == job.job_id
            else f"{job.settings.name or 'Untitled'} ({job.job_id})"
            for job in self._jobs
        }

    def _name(self, run: Run) -> str:
        return self._names.get(run.job_id) or run.run_name or f"Untitled ({run.job_id})"

    def jobs(self) -> Iterator[DescribedJob]:
        names, now = self._names, self._client.their_time
        for job in self._jobs:
            if now is None:
                return
            yield described(self._writer.author, names[job.job_id], self._writer.facets_of(job), now)

    def runs(self, window: Window) -> Iterator[Batch]:
        filters = {"start_time_from": _milliseconds(window.since)}
        if not window.is_newest:
            filters["start_time_to"] = _milliseconds(window.until)
        seen: set[str] = set()
        for runs in self._api.runs(**filters):
            seen |= {run.key for run in runs}
            yield from self._batches(runs)
        if window.is_newest:
            yield from self._open(seen, window)

    def _open(self, seen: set[str], window: Window) -> Iterator[Batch]:
        """Read the runs that began before the window and have not ended, as far as was known."""
        hour = full_hour(window.until)
        for runs in self._api.runs(active_only="true"):
            yield from self._batches([run for run in runs if run.key not in seen])
            seen |= {run.key for run in runs}
            if window.since < hour:
                yield self._still_running(runs, hour)
        known = self._open_runs.keys()
        for key in [key for key in known if key not in seen]:
            run = self._api.run(key)
            if run is None:
                self._open_runs.remove([key])
            else:
                yield from self._batches([run])

    def _still_running(self, runs: Sequence[Run], hour: datetime) -> Batch:
        before = hour - _SILENT_FOR
        return Batch(
            [
                body
                for run in runs
                if _outcome(run) == Outcome.RUNNING and run.began_at is not None and run.began_at <= before
                for body in self._writer.still_running(run, self._name(run), hour)
            ]
        )

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        pages = self._api.runs(start_time_from=_milliseconds(since))
        for run in islice((run for page in pages for run in page), most):
            outcome = _outcome(run)
            yield ListedRun(self._name(run), run.key, LISTED_AS.get(outcome, "") if outcome else "", run.began_at)

    def _batches(self, runs: Sequence[Run]) -> Iterator[Batch]:
        """Turn runs into events, and remember those that have not ended; forget the others once they are stored."""
        for start in range(0, len(runs), _AT_ONCE):
            some = runs[start : start + _AT_ONCE]
            bodies: list[bytes] = []
            problems: Counter[str] = Counter()
            for run in some:
                for events in (
                    self._writer.run(run, self._name(run)),
                    *(self._writer.task(task, run, self._name(run)) for task in run.tasks),
                ):
                    try:
                        bodies += events
                    except UnknownState as error:
                        problems[f"Unknown state {error}"] += 1
            yield Batch(bodies, problems)
            is_open = {run.key: _is_open(run) for run in some}
            self._open_runs.add([key for key, still in is_open.items() if still])
            self._open_runs.remove([key for key, still in is_open.items() if not still])


def _outcome(run: Run) -> Outcome | None:
    try:
        return run.outcome
    except UnknownState:
        return None


def _is_open(run: Run) -> bool:
    """Tell whether a run has not ended. One in an unknown state tells by its end: it may come to a known one."""
    outcome = _outcome(run)
    return run.ended_at is None if outcome is None else outcome in (Outcome.RUNNING, Outcome.WAITING)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
