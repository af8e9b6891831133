"""Why a run is in the state that it is shown in, where its own error message does not say so: other runs do, or the
time, or what was not received. See docs/run-states.md for the states.

A sentence may name other runs: whoever reads it wants to go on there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Prefetch, Q

from lineage.events.contents import RunContents
from lineage.events.identity import job_id
from lineage.events.senders import ERROR_CODES, SKIP_CODES, sender_of, task_graph_of, words_of
from lineage.events.senders.sender import Words
from lineage.events.senders.task_graph import TaskGraph, came_before
from lineage.models import Job, Run, RunState
from lineage.runs.ancestors import Child, ancestors_of
from lineage.runs.ended_above import ended_above
from lineage.runs.error_headline import as_sentence, error_headline
from lineage.runs.facets_of_run import read_run
from lineage.runs.relations import Placeholder, children_of, parent_of, tries_of

if TYPE_CHECKING:
    from lineage.models.run_queryset import RunQuerySet

# Of each sentence; a reader follows the first ones.
MOST_NAMED: Final = 3
# Of one DAG run, among which the causes are looked for.
_MOST_FAILED: Final = 200
_WRONG: Final = ("failed", "errored")
# Kinds of jobs that are no nodes of a project.
_COMMANDS: Final = (Job.Kind.JOB, Job.Kind.SQL)


@dataclass(frozen=True, slots=True)
class Cause:
    """Another run, and what a sentence calls it. The run has its `job` and its `shown_state`."""

    run: Run
    name: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words around the names of runs, if it names any."""

    before: str
    causes: Sequence[Cause] = ()
    after: str = ""
    # Whether there are more of them than it names.
    has_more: bool = False

    @property
    def text(self) -> str:
        return f"{self.before}{', '.join(cause.name for cause in self.causes)}{self.rest}"

    @property
    def rest(self) -> str:
        """What follows the names."""
        return f"{' and others' if self.has_more else ''}{self.after}"


def reasons_of(run: Run, contents: RunContents) -> list[Sentence]:
    """None where its state, its times and its error say all. `run` has its `shown_state` and its `job`. At most a
    dozen queries, whatever it belongs to; for one that completed none."""
    of_state = _OF_STATE.get(run.shown_state)
    return of_state(run, contents) if of_state else []


def failed_in(run: Run) -> Sentence | None:
    """Of a run that started others: which of them failed, the earliest first; of a single one also why. At most five
    queries."""
    failed = children_of(run).in_state(RunState.FAILED).prefetch_related(Prefetch("job", Job.objects.all()))
    # A few more than are named: of a mapped task many instances fail.
    found = list(failed.order_by("run_at", "id")[: 10 * MOST_NAMED])
    if not found:
        return None
    sentence = _naming("Failed in it: ", found, run, ".")
    headline = error_headline(found[0].error_message or "")
    # The first of them is the first that the sentence names.
    return replace(sentence, after=f": {as_sentence(headline)}") if headline and len(sentence.causes) == 1 else sentence


def failed_before(run: Run) -> Sentence | None:
    """Of a task that a DAG run tells of, and that ran before that one was cleared: its last failure there. One query,
    where there may be one."""
    if not run.earlier_parent_run_ids:
        return None
    before = Run.objects.shown().filter(
        connection_id=run.connection_id,
        parent_run_id__in=run.earlier_parent_run_ids,
        job_id=run.job_id,
        told_state=None,
    )
    last = before.in_state(RunState.FAILED).order_by("run_at", "id").last()
    if last is None:
        return None
    last.job = run.job
    return Sentence("It failed before tasks of its DAG run were cleared, and was not one of them: ", [_try(last)], ".")


def _try(run: Run) -> Cause:
    return Cause(run, "the run" if run.attempt is None else f"attempt {run.attempt}")


def _failed(run: Run, contents: RunContents) -> list[Sentence]:
    if run.told_state and (before := failed_before(run)):
        return [before]
    found = [Sentence(f"{ERROR_CODES[run.error_message]}.")] if run.error_message in ERROR_CODES else []
    if run.terminal_type is None and (says := _parent_says(run, "that it failed")):
        found += [Sentence("It sent no end: its worker may have been killed.")] if run.told_state is None else []
        found.append(says)
    of = run.shown_max_attempts
    if run.attempt is not None and of is not None and of > 1:
        later = ", the last" if run.attempt == of else "; no later one was received"
        found.append(Sentence(f"It was attempt {run.attempt} of {of}{later}."))
    has_said = contents.error or run.error_message or any(test.state in _WRONG for test in contents.tests)
    without_result = words_of(run.job.integration).tests_without_result
    if without_result and not contents.error and any(test.state == "errored" for test in contents.tests):
        found.append(Sentence(without_result))
    return found if found or has_said else [Sentence("Its sender gave no reason.")]


def _retried(run: Run, _: RunContents) -> list[Sentence]:
    began = "It failed" if run.terminal_type else "It sent no end"
    last = list(tries_of(run))[-1]
    if last.id == run.id:
        return [Sentence(f"{began}, and was tried again.")]
    last.job = run.job
    became = RunState(last.shown_state).label.lower()
    return [Sentence(f"{began}, and was tried again: ", [_try(last)], f", {became}.")]


def _aborted(run: Run, contents: RunContents) -> list[Sentence]:
    why = "" if contents.error or run.error_message else ", and gave no reason"
    return [Sentence(f"Its sender says that it was ended before it was done{why}.")]


def _unknown(_: Run, __: RunContents) -> list[Sentence]:
    return [Sentence("Only events of type OTHER, or of none, were received: none says that it began, or how it ended.")]


def _completed(run: Run, _: RunContents) -> list[Sentence]:
    says = _parent_says(run, "that it completed") if run.told_state else None
    if says is None:
        return []
    silent = words_of(run.job.integration).silent
    return [says, Sentence(silent)] if silent else [says]


def _lost(run: Run, _: RunContents) -> list[Sentence]:
    heard = f"Nothing was heard of it since {_exact(run.last_event_at)}"
    child = Child(run.connection_id, run.id, run.parent_run_id, run.parent_job_name)
    [ancestors] = ancestors_of([child]).values()
    if above := ended_above(run.last_event_at, ancestors):
        ended = Run.objects.select_related("job").get(connection_id=above.connection_id, id=above.id)
        happened = "ended" if ended.shown_ended_at else "was tried again"
        after = f" {happened} at {_exact(above.over_at)}, and this one sent no end."
        return [Sentence(f"{heard}: ", [Cause(ended, ended.job.name)], after), _REVIVED]
    longer = "longer than 24 hours, and than four times what its job usually takes"
    return [Sentence(f"{heard}: {longer}, and it sent no end. Its worker may have been killed."), _REVIVED]


def _upstream_failed(run: Run, _: RunContents) -> list[Sentence]:
    parent = parent_of(run)
    failed = _siblings(parent, Q(shown_state=RunState.FAILED)) if isinstance(parent, Run) else []
    if not isinstance(parent, Run) or not failed:
        return [Sentence("It never ran: what it depends on failed.")]
    task, _, graph = _task_in(run, parent)
    before = came_before(task, graph)
    causes = [other for other in failed if _task_name(other, parent) in before]
    if not causes:
        return [_naming("It never ran: what it depends on failed. Failed in the same run: ", failed, parent, ".")]
    return [_naming("It never ran: ", causes, parent, " failed before it.")]


def _skipped(run: Run, _: RunContents) -> list[Sentence]:
    words = words_of(run.job.integration)
    if words.skips_by_need:
        return [_skipped_by_need(run, words)]
    if run.told_state is None and run.terminal_type == "COMPLETE":
        return [Sentence("It skipped itself.")]
    parent = parent_of(run)
    return [_skipped_by_parent(run, parent) if isinstance(parent, Run) else Sentence("It was not to run this time.")]


def _skipped_by_parent(run: Run, parent: Run) -> Sentence:
    if parent.error_message in SKIP_CODES:
        return Sentence(SKIP_CODES[parent.error_message])
    task, contents, graph = _task_in(run, parent)
    before = _siblings(parent, Q(job_id__in=[_job_of(name, parent) for name in graph.get(task, ())]))
    if skipped := [other for other in before if other.shown_state == RunState.SKIPPED]:
        return _naming("It follows ", skipped, parent, ", which was skipped, too.")
    told_by = contents.tasks_told_by or parent.job.integration
    words = words_of(told_by)
    is_without_state = run.told_state and task in contents.tasks_without_state
    why = sender_of(told_by).why_without_state(task, contents, graph) if is_without_state else words.skipped
    if not before:
        return Sentence(f"{words.name} skipped it: {why}.")
    return _naming(f"{words.name} skipped it after ", before, parent, f": {why}.")


def _skipped_by_need(run: Run, words: Words) -> Sentence:
    """What failed in the same command: of the nodes that it needs, where its events name them."""
    beside = Run.objects.shown().filter(connection_id=run.connection_id, invocation_id=run.invocation_id)
    nodes = beside.exclude(id=run.id).filter(shown_state=RunState.FAILED).exclude(job__kind__in=_COMMANDS)
    failed = _with_jobs(nodes) if run.invocation_id else []
    needs = set(run.needed_job_ids or ())
    # A model may be needed by its table.
    models = [other for other in failed if other.terminal_type == "FAIL"]
    if needed := [other for other in models if needs & {other.job_id, *(other.needed_job_ids or ())}]:
        return _naming(f"{words.name} skipped it, for ", needed, None, " failed.")
    if failed:
        before = f"{words.name} skipped it: what it needs failed. Failed in the same command: "
        return _naming(before, failed, None, ".")
    return Sentence(f"{words.name} skipped it: what it needs failed or was skipped.")


_REVIVED: Final = Sentence("An event that comes later revives it.")
_OF_STATE: Final[dict[str, Callable[[Run, RunContents], list[Sentence]]]] = {
    RunState.FAILED: _failed,
    RunState.RETRIED: _retried,
    RunState.ABORTED: _aborted,
    RunState.UNKNOWN: _unknown,
    RunState.COMPLETED: _completed,
    RunState.LOST: _lost,
    RunState.UPSTREAM_FAILED: _upstream_failed,
    RunState.SKIPPED: _skipped,
}


def _parent_says(run: Run, what: str) -> Sentence | None:
    """Of a run that sent no end, or nothing at all."""
    parent = parent_of(run)
    if parent is None or isinstance(parent, Placeholder):
        return None
    silent = "; it sent no event of its own" if run.told_state else ""
    return Sentence("", [Cause(parent, parent.job.name)], f" says {what}{silent}.")


def _naming(before: str, runs: Sequence[Run], parent: Run | None, after: str) -> Sentence:
    """Each name once: of a mapped task many instances may have failed."""
    named: dict[str, Cause] = {}
    for run in runs:
        name = _task_name(run, parent) if parent else run.job.name
        named.setdefault(name, Cause(run, name))
    return Sentence(before, list(named.values())[:MOST_NAMED], after, has_more=len(named) > MOST_NAMED)


def _siblings(parent: Run, wanted: Q) -> list[Run]:
    """The runs of a DAG run that these are, the earliest first."""
    runs = Run.objects.shown().filter(connection_id=parent.connection_id, parent_run_id=parent.id)
    return _with_jobs(runs.filter(wanted))


def _with_jobs(runs: "RunQuerySet") -> list[Run]:
    runs = runs.prefetch_related(Prefetch("job", Job.objects.all()))
    return list(runs.order_by("run_at", "id")[:_MOST_FAILED])


def _task_in(run: Run, parent: Run) -> tuple[str, RunContents, TaskGraph]:
    """Its task, what its DAG run says, and what comes after what in that. Three queries."""
    contents = read_run(parent).contents
    return _task_name(run, parent), contents, task_graph_of(contents.job_facets)


def _task_name(run: Run, parent: Run) -> str:
    """Without the DAG's."""
    return run.job.name.removeprefix(f"{parent.job.name}.")


def _job_of(task: str, dag_run: Run) -> UUID:
    return job_id(dag_run.connection_id, dag_run.job.namespace, f"{dag_run.job.name}.{task}")


def _exact(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
