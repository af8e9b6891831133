"""Fetches from one Data Factory: pipeline runs that changed, with all their activity runs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

from pull.sources.data_factory.api import DataFactoryApi
from pull.sources.data_factory.events import LISTED_AS, Writer
from pull.sources.data_factory.probe import probe
from pull.sources.data_factory.records import Outcome, PipelineRun, UnknownState, outcome_of
from pull.sources.descriptions import described, full_hour
from pull.sources.fetched import Batch, DescribedJob, ListedRun, Window
from pull.sources.fetcher import Opened, Step

# A run that is still under way after this time sends an event each hour, so that it is not taken for lost.
_SILENT_FOR: Final = timedelta(hours=6)
# Runs of one batch: each needs a call.
_AT_ONCE: Final = 10
_DAY: Final = timedelta(days=1)


class DataFactoryFetcher:
    def __init__(self, opened: Opened, api: DataFactoryApi, namespace: str) -> None:
        self._api = api
        self._client = opened.client
        self._open_runs = opened.open_runs
        self._writer = Writer(namespace)

    def close(self) -> None:
        self._client.close()

    def now(self) -> datetime | None:
        if self._client.their_time is None:
            next(self._api.pipelines(), None)
        return self._client.their_time

    def probe(self) -> Iterator[Step]:
        return probe(self._api)

    def jobs(self) -> Iterator[DescribedJob]:
        triggers = [one for page in self._api.triggers() for one in page]
        for page in self._api.pipelines():
            for pipeline in page:
                if (now := self._client.their_time) is not None:
                    facets = self._writer.facets_of(pipeline, triggers)
                    yield described(self._writer.author, pipeline.name, facets, now)

    def runs(self, window: Window) -> Iterator[Batch]:
        # What changes while pages are read stays in a window that ends later.
        until = window.until + _DAY if window.is_newest else window.until
        for runs in self._api.pipeline_runs(window.since, until):
            yield from self._batches(runs, until)
        hour = full_hour(window.until)
        if window.is_newest and window.since < hour:
            yield from self._still_running(hour)

    def _still_running(self, hour: datetime) -> Iterator[Batch]:
        """Events of runs that are open: one that only runs may change nothing for hours."""
        known = self._open_runs.keys()
        for key in list(known):
            run = self._api.pipeline_run(key)
            if run is None:
                self._open_runs.remove([key])
            elif _outcome(run.status) == Outcome.RUNNING and _is_older(run.run_start, hour):
                yield Batch([self._writer.still_running(run, hour), *self._activities_still_running(run, hour)])

    def _activities_still_running(self, run: PipelineRun, hour: datetime) -> Iterator[bytes]:
        for page in self._api.activity_runs(run, hour + _DAY):
            for activity in page:
                if _outcome(activity.status) == Outcome.RUNNING and _is_older(activity.activity_run_start, hour):
                    yield self._writer.activity_still_running(activity, run, hour)

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        pages = self._api.pipeline_runs(since, since + 2 * _DAY)
        began = (run for page in pages for run in page if run.run_start is not None and run.run_start >= since)
        for run in islice(began, most):
            outcome = _outcome(run.status)
            state = LISTED_AS.get(outcome, "") if outcome else ""
            yield ListedRun(run.pipeline_name, run.run_id, state, run.run_start)

    def _batches(self, runs: Sequence[PipelineRun], until: datetime) -> Iterator[Batch]:
        for start in range(0, len(runs), _AT_ONCE):
            some = runs[start : start + _AT_ONCE]
            bodies: list[bytes] = []
            problems: Counter[str] = Counter()
            for run in some:
                for events in self._events(run, until):
                    try:
                        bodies += events()
                    except UnknownState as error:
                        problems[f"Unknown state {error}"] += 1
            yield Batch(bodies, problems)
            is_open = {run.run_id: _outcome(run.status) in (Outcome.RUNNING, Outcome.WAITING) for run in some}
            self._open_runs.add([key for key, still in is_open.items() if still])
            self._open_runs.remove([key for key, still in is_open.items() if not still])

    def _events(self, run: PipelineRun, until: datetime) -> Iterator[Callable[[], Iterator[bytes]]]:
        """Makers of the events of a run, and of each of its activities."""
        yield partial(self._writer.pipeline_run, run)
        for page in self._api.activity_runs(run, until):
            for activity in page:
                yield partial(self._writer.activity_run, activity, run)


def _is_older(began_at: datetime | None, hour: datetime) -> bool:
    return began_at is not None and began_at <= hour - _SILENT_FOR


def _outcome(status: str) -> Outcome | None:
    try:
        return outcome_of(status)
    except UnknownState:
        return None
