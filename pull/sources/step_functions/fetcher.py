"""Fetches from Step Functions in one region of one account: executions, and the states of those that have ended."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from heapq import nlargest
from itertools import chain, islice
from typing import Final

from pull.http.faults import Fault, FaultCode
from pull.sources.aws.caller import AwsCaller
from pull.sources.aws.jobs import facets_of_tags
from pull.sources.descriptions import described, full_hour
from pull.sources.fetched import Batch, DescribedJob, ListedRun, Window
from pull.sources.fetcher import Opened, Step
from pull.sources.step_functions.api import PAGE, StepFunctionsApi
from pull.sources.step_functions.events import (
    LISTED_AS,
    UnknownStatus,
    author_of,
    job_type,
    namespace_of,
    run_events,
    run_name,
    still_running,
)
from pull.sources.step_functions.history import States, states_of
from pull.sources.step_functions.probe import probe
from pull.sources.step_functions.records import EXPRESS, RUNNING, Execution, Machine

# A run that is still under way after this time sends an event each hour, so that it is not taken for lost.
_SILENT_FOR: Final = timedelta(hours=6)
# Executions that are turned into events together: each that has ended needs further calls.
_AT_ONCE: Final = 10
# Newest executions of each state machine that are asked for at first.
RECENT: Final = 100


class StepFunctionsFetcher:
    def __init__(self, opened: Opened, api: StepFunctionsApi, caller: AwsCaller) -> None:
        self._api = api
        self._caller = caller
        self._client = opened.client
        self._memory = opened.memory
        self._open_runs = opened.open_runs
        # Executions that were listed in this sync, by their ARNs.
        self._seen: dict[str, Execution] = {}

    def close(self) -> None:
        self._client.close()

    @cached_property
    def _machines(self) -> list[Machine]:
        return [machine for page in self._api.machines() for machine in page]

    @property
    def _listing(self) -> list[Machine]:
        """State machines that list their executions."""
        return [machine for machine in self._machines if machine.type != EXPRESS]

    def now(self) -> datetime | None:
        _ = self._machines
        return self._client.their_time

    def probe(self) -> Iterator[Step]:
        return probe(self._api, self._caller)

    def jobs(self) -> Iterator[DescribedJob]:
        for machine in self._machines:
            facets = {"jobType": job_type("STATE_MACHINE"), **facets_of_tags(self._api.tags(machine))}
            comment = self._api.comment(machine)
            if comment is not None:
                facets["documentation"] = {"description": comment}
            if (now := self._client.their_time) is not None:
                yield described(author_of(machine.state_machine_arn), machine.name, facets, now)

    def runs(self, window: Window) -> Iterator[Batch]:
        yield from self._say_what_is_left_out()
        for machine in self._listing:
            for page in self._api.executions(machine, RECENT if window.is_newest else PAGE):
                if window.is_newest:
                    self._seen.update((one.execution_arn, one) for one in page)
                yield from self._batches([one for one in page if _is_in(window, one)])
                if page and page[-1].changed_at < window.since:
                    break
            yield Batch(())  # keeps the lease: there may be many state machines, and nothing new in them
        if window.is_newest:
            yield from self._read_open_runs(window)

    def listed(self, since: datetime, most: int) -> Iterator[ListedRun]:
        began = (one for machine in self._listing for one in islice(self._began_since(machine, since), most))
        for one in nlargest(most, began, key=lambda one: one.began_at):
            yield ListedRun(one.machine_name, run_name(one), LISTED_AS.get(one.status, ""), one.began_at)

    def _began_since(self, machine: Machine, since: datetime) -> Iterator[Execution]:
        for one in chain.from_iterable(self._api.executions(machine, RECENT)):
            if one.changed_at < since:
                return
            if one.began_at >= since:
                yield one

    def _say_what_is_left_out(self) -> Iterator[Batch]:
        """Name state machines without lists, once for each worker: it is no failure."""
        express = [machine.name for machine in self._machines if machine.type == EXPRESS]
        if express and not self._memory.get("named_express"):
            self._memory["named_express"] = True
            names = ", ".join(sorted(express)[:5]) + (" and others" if len(express) > 5 else "")
            yield Batch((), {f"State machines of type EXPRESS keep no list of executions: {names}": len(express)})

    # --- Executions that were under way

    def _read_open_runs(self, window: Window) -> Iterator[Batch]:
        """Read executions that were under way and are not among the newest. Lets long ones say that they still run."""
        # Those of another region or account are of a time before the form was changed.
        here = {namespace_of(machine.state_machine_arn) for machine in self._machines}
        known = self._open_runs.keys()
        self._open_runs.remove([key for key in known if namespace_of(key) not in here])
        keys = [key for key in known if namespace_of(key) in here]
        hour = full_hour(window.until)
        for start in range(0, len(keys), _AT_ONCE):
            found = {key: self._seen.get(key) or self._api.execution(key) for key in keys[start : start + _AT_ONCE]}
            there = [one for one in found.values() if one is not None]
            yield from self._batches([one for one in there if one.has_ended])
            self._open_runs.remove([key for key, one in found.items() if one is None])
            running = [one for one in there if one.status in RUNNING and one.began_at <= hour - _SILENT_FOR]
            if running and window.since < hour:
                yield Batch([still_running(one, hour) for one in running])

    # --- Events

    def _batches(self, executions: Sequence[Execution]) -> Iterator[Batch]:
        """Turn executions into events, and remember those that run; forget the others once they are stored."""
        for start in range(0, len(executions), _AT_ONCE):
            some = executions[start : start + _AT_ONCE]
            problems: Counter[str] = Counter()
            yield Batch(list(self._events(some, problems)), problems)
            self._open_runs.add([one.execution_arn for one in some if not one.has_ended])
            self._open_runs.remove([one.execution_arn for one in some if one.has_ended])

    def _events(self, executions: Iterable[Execution], problems: Counter[str]) -> Iterator[bytes]:
        for execution in executions:
            try:
                yield from run_events(execution, self._states(execution, problems) if execution.has_ended else None)
            except UnknownStatus as error:
                problems[f"Unknown status {error}"] += 1

    def _states(self, execution: Execution, problems: Counter[str]) -> States | None:
        """Read the states of an execution. None if they cannot be read: then it is fetched without them."""
        try:
            return states_of(self._api.history(execution.execution_arn))
        except Fault as fault:
            if fault.code == FaultCode.FORBIDDEN:
                problems[f"Executions without their states: {fault.words}"] += 1
            elif fault.code != FaultCode.NOT_FOUND:
                raise
            return None


def _is_in(window: Window, execution: Execution) -> bool:
    """Tell whether an execution changed in the window, or began in it."""
    return any(window.since <= time < window.until for time in (execution.began_at, execution.changed_at))
