"""Fetches from Glue in one region of one account: runs of jobs and of workflows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from itertools import islice
from typing import Any, Final

from pull.sources.aws.jobs import facets_of_tags
from pull.sources.descriptions import described, full_hour
from pull.sources.fetched import Batch, DescribedJob, ListedRun, Window
from pull.sources.fetcher import Opened, Step
from pull.sources.glue.api import PAGE, GlueApi
from pull.sources.glue.events import LISTED_AS, UnknownState, Writer, job_type, schedules_of, workflow_job
from pull.sources.glue.probe import probe
from pull.sources.glue.records import RUNNING, JobRun, WorkflowRun

# A run that is still under way after this time sends an event each hour, so that it is not taken for lost.
_SILENT_FOR: Final = timedelta(hours=6)
_AT_ONCE: Final = 50
# Newest runs of each job that are asked for at first.
RECENT: Final = 25
# A job may run in a workflow that began before the window: so much earlier at most, when the past is fetched.
_LONGEST_WORKFLOW: Final = timedelta(days=1)


class GlueFetcher:
    def __init__(self, opened: Opened, api: GlueApi) -> None:
        self._api = api
        self._client = opened.client
        self._open_runs = opened.open_runs
        # Of this sync, by their keys: job runs that were listed, and workflow runs.
        self._seen: dict[str, JobRun] = {}
        self._workflow_runs: dict[str, WorkflowRun] = {}
        # Id of a job run → the workflow run that it is in.
        self._parents: dict[str, WorkflowRun] = {}

    def close(self) -> None:
        self._client.close()

    @cached_property
    def _job_names(self) -> list[str]:
        return list(self._api.job_names())

    @cached_property
    def _workflow_names(self) -> list[str]:
        return list(self._api.workflow_names())

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._api.arn(), self._api.region)

    def now(self) -> datetime | None:
        _ = self._job_names
        return self._client.their_time

    def probe(self) -> Iterator[Step]:
        return probe(self._api)

    def jobs(self) -> Iterator[DescribedJob]:
        triggers = self._api.triggers()
        schedules = None if triggers is None else schedules_of(triggers)
        for page in self._api.jobs():
            for job in page:
                facets = {"jobType": job_type("JOB"), "documentation": {"description": job.description}}
                yield from self._described(job.name, facets, self._api.tags(f"job/{job.name}"), schedules)
        for name in self._workflow_names:
            facets = {"jobType": job_type("WORKFLOW")}
            if (description := self._api.workflow_description(name)) is not None:
                facets["documentation"] = {"description": description}
            yield from self._described(workflow_job(name), facets, self._api.tags(f"workflow/{name}"), schedules)

    def _described(self, name: str, facets: Any, tags: Any, schedules: Any) -> Iterator[DescribedJob]:
        if schedules is not None:
            facets["observatory_job"] = {"schedule": schedules.get(name, "")}
        if (now := self._client.their_time) is not None:
            yield described(self._writer.author, name, {**facets, **facets_of_tags(tags)}, now)

    def runs(self, window: Window) -> Iterator[Batch]:
        open_keys = list(self._open_runs.keys()) if window.is_newest else []
        # Workflow runs come first: their graphs name the job runs in them.
        yield from self._read_workflows(window, [key for key in open_keys if key.startswith("workflow:")])
        for name in self._job_names:
            for page in self._api.job_runs(name, RECENT if window.is_newest else PAGE):
                if window.is_newest:
                    self._seen.update((run.key, run) for run in page)
                yield from self._batches(
                    [run for run in page if _is_in(window, run.started_on) or run.started_on is None]
                )
                if page and page[-1].started_on is not None and page[-1].started_on < window.since:
                    break
            yield Batch(())  # keeps the lease: there may be many jobs, and nothing new in them
        job_keys = [key for key in open_keys if key.startswith("job:")]
        for start in range(0, len(job_keys), _AT_ONCE):
            yield from self._batches(self._found(job_keys[start : start + _AT_ONCE]))
        hour = full_hour(window.until)
        if window.is_newest and window.since < hour:
            yield from self._still_running(open_keys, hour)

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        lists = (self._began_since(name, since) for name in self._job_names)
        for started_on, run in islice(merge(*lists, key=lambda one: one[0], reverse=True), most):
            yield ListedRun(run.job_name, run.id, LISTED_AS.get(run.job_run_state, ""), started_on)

    def _began_since(self, name: str, since: datetime) -> Iterator[tuple[datetime, JobRun]]:
        for page in self._api.job_runs(name, RECENT):
            for run in page:
                if run.started_on is not None and run.started_on < since:
                    return
                if run.started_on is not None:
                    yield run.started_on, run

    # --- Runs that were under way

    def _read_workflows(self, window: Window, open_keys: Iterable[str]) -> Iterator[Batch]:
        """Read workflow runs that began in the window or are open, and note the job runs in them."""
        since = window.since if window.is_newest else window.since - _LONGEST_WORKFLOW
        keys = set(open_keys)
        for name in self._workflow_names:
            for page in self._api.workflow_runs(name):
                keys |= {run.key for run in page if _is_in(window._replace(since=since), run.started_on)}
            yield Batch(())  # keeps the lease
        for key in sorted(keys):
            run = self._api.workflow_run(*_names(key))
            if run is None:
                self._open_runs.remove([key])
                continue
            self._workflow_runs[key] = run
            self._parents.update(dict.fromkeys(run.job_runs(), run))
            yield from self._batches([run])

    def _found(self, keys: Iterable[str]) -> list[JobRun]:
        """Read job runs that were under way. Forgets those that are not there any more."""
        found = {key: self._seen.get(key) or self._api.job_run(*_names(key)) for key in keys}
        self._open_runs.remove([key for key, run in found.items() if run is None])
        runs = [run for run in found.values() if run is not None]
        self._seen.update((run.key, run) for run in runs)
        return runs

    def _still_running(self, open_keys: Iterable[str], hour: datetime) -> Iterator[Batch]:
        before = hour - _SILENT_FOR
        jobs = (self._seen[key] for key in open_keys if key in self._seen)
        bodies = [
            self._writer.job_still_running(run, self._parents.get(run.id), hour)
            for run in jobs
            if run.job_run_state in RUNNING and run.started_on is not None and run.started_on <= before
        ]
        bodies += [
            self._writer.workflow_still_running(run, hour)
            for run in self._workflow_runs.values()
            if run.status in RUNNING and run.started_on is not None and run.started_on <= before
        ]
        if bodies:
            yield Batch(bodies)

    # --- Events

    def _batches(self, runs: Sequence[JobRun] | Sequence[WorkflowRun]) -> Iterator[Batch]:
        """Turn runs into events, and remember those that have not ended; forget the others once they are stored."""
        for start in range(0, len(runs), _AT_ONCE):
            some = runs[start : start + _AT_ONCE]
            bodies: list[bytes] = []
            problems: Counter[str] = Counter()
            for run in some:
                try:
                    bodies += self._events(run)
                except UnknownState as error:
                    problems[f"Unknown state {error}"] += 1
            yield Batch(bodies, problems)
            self._open_runs.add([run.key for run in some if not run.has_ended])
            self._open_runs.remove([run.key for run in some if run.has_ended])

    def _events(self, run: JobRun | WorkflowRun) -> Iterator[bytes]:
        if isinstance(run, WorkflowRun):
            return self._writer.workflow_run(run)
        return self._writer.job_run(run, self._parents.get(run.id))


def _is_in(window: Window, time: datetime | None) -> bool:
    return time is not None and window.since <= time < window.until


def _names(key: str) -> tuple[str, str]:
    """The name of a job or workflow, and the id of its run, in the key of an open run."""
    _, run_id, name = key.split(":", 2)
    return name, run_id
