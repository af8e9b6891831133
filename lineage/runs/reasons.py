"""Reasons for the shown state of a run that come from other runs, from the time, or from missing events.

A reason that is the run's own error message is shown elsewhere. docs/run-states.md explains the states. Sentences name
the runs that are causes, so that pages can link to them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Prefetch, Q

from connections.models import Connection
from connections.querysets import Reader
from lineage.events.clocks import plausible
from lineage.events.contents import RunContents
from lineage.events.identity import job_id
from lineage.events.senders import ERROR_CODES, SKIP_CODES, sender_of, task_graph_of, words_of
from lineage.events.senders.sender import Words
from lineage.events.senders.task_graph import TaskGraph, upstream_tasks
from lineage.models import Job, Run, RunState
from lineage.runs.ancestors import ChildRun, ancestors_of
from lineage.runs.error_headline import as_sentence, error_headline
from lineage.runs.facets_of_run import read_run
from lineage.runs.finished_ancestor import finished_ancestor
from lineage.runs.relations import Placeholder, children_of, parent_of, tries_of
from lineage.runs.times import exact_time

if TYPE_CHECKING:
    from lineage.models.run_queryset import RunQuerySet

# Most runs that one sentence names: a reader opens the first ones.
MOST_NAMED: Final = 3
# Most runs of one DAG run that are searched for causes.
_MOST_FAILED: Final = 200
_JOBS: Final = Prefetch("job", Job.objects.only("namespace", "name"))
_WRONG: Final = ("failed", "errored")
# Kinds of jobs that are not nodes of a project.
_COMMANDS: Final = (Job.Kind.JOB, Job.Kind.SQL)


@dataclass(frozen=True, slots=True)
class _Related:
    """Runs related to one run, as far as `reader` may see them. `parent` reads the parent of a run."""

    reader: Reader
    parent: Callable[[Run], Run | Placeholder | None]


@dataclass(frozen=True, slots=True)
class Cause:
    """Run that is a cause, and its name in a sentence. The run has its `job` and its `shown_state`."""

    run: Run
    name: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Sentence that may name runs."""

    before: str
    causes: Sequence[Cause] = ()
    after: str = ""
    # True: there are more causes than it names.
    has_more: bool = False

    @property
    def text(self) -> str:
        return f"{self.before}{', '.join(cause.name for cause in self.causes)}{self.rest}"

    @property
    def rest(self) -> str:
        """Text after the names."""
        return f"{' and others' if self.has_more else ''}{self.after}"


def reasons_of(
    run: Run,
    contents: RunContents,
    reader: Reader,
    *,
    read_parent: Callable[[Run], Run | Placeholder | None] | None = None,
) -> list[Sentence]:
    """Return the reasons for the run's state; empty if its times and its error say everything.

    `run` has its `shown_state` and its `job`. A dozen queries at most; none for a run that completed.
    `read_parent` returns the parent of a run, for callers that have read it.
    """
    of_state = _OF_STATE.get(run.shown_state)
    related = _Related(reader, read_parent or (lambda child: parent_of(child, reader)))
    return of_state(run, contents, related) if of_state else []


def failed_in(run: Run, reader: Reader) -> Sentence | None:
    """Say which runs failed that this run started, the earliest first; for a single one also why.

    Five queries at most.
    """
    failed = children_of(run, reader).in_state(RunState.FAILED).for_sentence("error_message")
    failed = failed.prefetch_related(_JOBS)
    # Read a few more than are named, because many instances of one mapped task may have failed.
    found = list(failed.order_by("run_at", "id")[: 10 * MOST_NAMED])
    if not found:
        return None
    sentence = _name_runs("Failed in it: ", found, run, ".")
    headline = error_headline(found[0].error_message or "")
    # The first of them is the first that the sentence names.
    return replace(sentence, after=f": {as_sentence(headline)}") if headline and len(sentence.causes) == 1 else sentence


def is_reason_unread(contents: RunContents) -> bool:
    """Tell whether the events may say more than could be read."""
    return contents.is_cut or any(problem.path.startswith("run.facets.errorMessage") for problem in contents.problems)


def said_by_events(contents: RunContents) -> Sentence | None:
    """Return why a run failed according to its events: its error, else the tests that failed."""
    if contents.error:
        return Sentence(as_sentence(error_headline(contents.error.message)))
    wrong = list(dict.fromkeys(test.name or test.assertion for test in contents.tests if test.state in _WRONG))
    if not wrong:
        return None
    others = " and others" if len(wrong) > MOST_NAMED else ""
    return Sentence(f"Failed tests: {', '.join(wrong[:MOST_NAMED])}{others}.")


def failed_before(run: Run) -> Sentence | None:
    """Return the last failure of a task before its DAG run was cleared, if the task was not cleared itself. One query
    at most."""
    if not run.earlier_parent_run_ids:
        return None
    before = Run.objects.shown().filter(
        connection_id=run.connection_id,
        parent_run_id__in=run.earlier_parent_run_ids,
        job_id=run.job_id,
        state_from_parent=None,
    )
    last = before.in_state(RunState.FAILED).order_by("run_at", "id").last()
    if last is None:
        return None
    last.job = run.job
    return Sentence("It failed before other tasks of its DAG run were cleared: ", [_try(last)], ".")


def _try(run: Run) -> Cause:
    return Cause(run, "the run" if run.attempt is None else f"attempt {run.attempt}")


def _failed(run: Run, contents: RunContents, related: _Related) -> list[Sentence]:
    if run.state_from_parent and (before := failed_before(run)):
        return [before]
    found = [Sentence(f"{ERROR_CODES[run.error_message]}.")] if run.error_message in ERROR_CODES else []
    if run.terminal_type is None and (says := _parent_says(run, related, "that it failed")):
        found += [Sentence("It sent no end: its worker may have been killed.")] if run.state_from_parent is None else []
        found.append(says)
    of = run.shown_max_attempts
    if run.attempt is not None and of is not None and of > 1:
        later = ", the last" if run.attempt == of else "; no later one was received"
        found.append(Sentence(f"It was attempt {run.attempt} of {of}{later}."))
    has_said = contents.error or run.error_message or any(test.state in _WRONG for test in contents.tests)
    without_result = words_of(run.job.integration).tests_without_result
    if without_result and not contents.error and any(test.state == "errored" for test in contents.tests):
        found.append(Sentence(without_result))
    if contents.note_on_failed_tests:
        found.append(Sentence(contents.note_on_failed_tests))
    if found or has_said:
        return found
    if failed := failed_in(run, related.reader):
        return [failed]
    return [] if is_reason_unread(contents) else [Sentence("Its sender gave no reason.")]


def _retried(run: Run, _: RunContents, __: _Related) -> list[Sentence]:
    began = "It failed" if run.terminal_type else "It sent no end"
    last = list(tries_of(run))[-1]
    if last.id == run.id:
        return [Sentence(f"{began}, and was tried again.")]
    last.job = run.job
    became = RunState(last.shown_state).label.lower()
    return [Sentence(f"{began}, and was tried again: ", [_try(last)], f", {became}.")]


def _aborted(run: Run, contents: RunContents, related: _Related) -> list[Sentence]:
    stopped = "Its sender says that it was stopped before it was done"
    if contents.error or run.error_message or is_reason_unread(contents):
        return [Sentence(f"{stopped}.")]
    if failed := failed_in(run, related.reader):
        return [Sentence(f"{stopped}."), failed]
    return [Sentence(f"{stopped}, and gave no reason.")]


def _unknown(_: Run, __: RunContents, ___: _Related) -> list[Sentence]:
    return [
        Sentence(
            "Only events of type OTHER, or without a type, were received: none says that it began, or how it ended."
        )
    ]


def _completed(run: Run, _: RunContents, related: _Related) -> list[Sentence]:
    says = _parent_says(run, related, "that it completed") if run.state_from_parent else None
    if says is None:
        return []
    silent = words_of(run.job.integration).silent
    return [says, Sentence(silent)] if silent else [says]


def _lost(run: Run, _: RunContents, related: _Related) -> list[Sentence]:
    silent = f"No event of it was received since {exact_time(plausible(run.last_event_at, run.last_received_at))}"
    child = ChildRun(run.connection_id, run.id, run.run_id, run.parent_run_id, run.parent_job_name)
    [ancestors] = ancestors_of([child], Connection.objects.visible(related.reader)).values()
    if above := finished_ancestor(run.silent_since, ancestors):
        ended = Run.objects.select_related("job").get(connection_id=above.connection_id, id=above.id)
        happened = "ended" if ended.shown_ended_at else "was tried again"
        after = f" {happened} at {exact_time(above.finished_at)}, and this one sent no end."
        return [Sentence(f"{silent}: ", [Cause(ended, ended.job.name)], after), _MAY_BE_REVIVED]
    longer = "longer than 24 hours, and than four times what its job usually takes"
    return [Sentence(f"{silent}: {longer}, and it sent no end. Its worker may have been killed."), _MAY_BE_REVIVED]


def _upstream_failed(run: Run, _: RunContents, related: _Related) -> list[Sentence]:
    parent = related.parent(run)
    failed = _siblings(parent, Q(shown_state=RunState.FAILED)) if isinstance(parent, Run) else []
    if not isinstance(parent, Run) or not failed:
        return [Sentence("It never ran: what it depends on failed.")]
    task, _, graph = _task_in(run, parent)
    before = upstream_tasks(task, graph)
    causes = [other for other in failed if _task_name(other, parent) in before]
    if not causes:
        return [_name_runs("It never ran: what it depends on failed. Failed in the same run: ", failed, parent, ".")]
    return [_name_runs("It never ran: ", causes, parent, " failed before it.")]


def _skipped(run: Run, _: RunContents, related: _Related) -> list[Sentence]:
    words = words_of(run.job.integration)
    if words.skips_by_need:
        return [_skipped_by_need(run, words)]
    if run.state_from_parent is None and run.terminal_type == "COMPLETE":
        return [Sentence("It skipped itself.")]
    parent = related.parent(run)
    return [_skipped_by_parent(run, parent) if isinstance(parent, Run) else Sentence("It was not to run this time.")]


def _skipped_by_parent(run: Run, parent: Run) -> Sentence:
    if parent.error_message in SKIP_CODES:
        return Sentence(SKIP_CODES[parent.error_message])
    task, contents, graph = _task_in(run, parent)
    before = _siblings(parent, Q(job_id__in=[_job_of(name, parent) for name in graph.get(task, ())]))
    if skipped := [other for other in before if other.shown_state == RunState.SKIPPED]:
        return _name_runs("It follows ", skipped, parent, ", which was skipped, too.")
    reporter = contents.tasks_reported_by or parent.job.integration
    words = words_of(reporter)
    is_without_state = run.state_from_parent and task in contents.tasks_without_state
    why = sender_of(reporter).why_without_state(task, contents, graph) if is_without_state else words.skipped
    if not before:
        return Sentence(f"{words.name} skipped it: {why}.")
    return _name_runs(f"{words.name} skipped it after ", before, parent, f": {why}.")


def _skipped_by_need(run: Run, words: Words) -> Sentence:
    """Name the jobs that failed in this command: those that the node needs, if its events name them."""
    beside = Run.objects.shown().filter(connection_id=run.connection_id, invocation_id=run.invocation_id)
    nodes = beside.exclude(id=run.id).filter(shown_state=RunState.FAILED).exclude(job__kind__in=_COMMANDS)
    failed = _with_jobs(nodes.for_sentence("terminal_type", "needed_job_ids")) if run.invocation_id else []
    needs = set(run.needed_job_ids or ())
    # A test may name a model that it needs by the model's table.
    models = [other for other in failed if other.terminal_type == "FAIL"]
    if needed := [other for other in models if needs & {other.job_id, *(other.needed_job_ids or ())}]:
        return _name_runs(f"{words.name} skipped it, because ", needed, None, " failed.")
    if failed:
        before = f"{words.name} skipped it: what it needs failed. Failed in the same command: "
        return _name_runs(before, failed, None, ".")
    return Sentence(f"{words.name} skipped it: what it needs failed or was skipped.")


_MAY_BE_REVIVED: Final = Sentence("An event that comes later revives it.")
_OF_STATE: Final[dict[str, Callable[[Run, RunContents, _Related], list[Sentence]]]] = {
    RunState.FAILED: _failed,
    RunState.RETRIED: _retried,
    RunState.ABORTED: _aborted,
    RunState.UNKNOWN: _unknown,
    RunState.COMPLETED: _completed,
    RunState.LOST: _lost,
    RunState.UPSTREAM_FAILED: _upstream_failed,
    RunState.SKIPPED: _skipped,
}


def _parent_says(run: Run, related: _Related, what: str) -> Sentence | None:
    """Say what the parent run reports of a run that sent no end, or no event at all."""
    parent = related.parent(run)
    if parent is None or isinstance(parent, Placeholder):
        return None
    silent = "; it sent no event of its own" if run.state_from_parent else ""
    return Sentence("", [Cause(parent, parent.job.name)], f" says {what}{silent}.")


def _name_runs(before: str, runs: Sequence[Run], parent: Run | None, after: str) -> Sentence:
    """Make a sentence that names each job once: many instances of one mapped task may have failed."""
    named: dict[str, Cause] = {}
    for run in runs:
        name = _task_name(run, parent) if parent else run.job.name
        named.setdefault(name, Cause(run, name))
    return Sentence(before, list(named.values())[:MOST_NAMED], after, has_more=len(named) > MOST_NAMED)


def _siblings(parent: Run, wanted: Q) -> list[Run]:
    """Return the runs of a parent run that meet a condition, the earliest first."""
    runs = Run.objects.shown().filter(connection_id=parent.connection_id, parent_run_id=parent.run_id)
    return _with_jobs(runs.filter(wanted).for_sentence())


def _with_jobs(runs: "RunQuerySet") -> list[Run]:
    runs = runs.prefetch_related(_JOBS)
    return list(runs.order_by("run_at", "id")[:_MOST_FAILED])


def _task_in(run: Run, parent: Run) -> tuple[str, RunContents, TaskGraph]:
    """Return the run's task, the contents of its DAG run, and the order of the tasks. Three queries."""
    contents = read_run(parent).contents
    return _task_name(run, parent), contents, task_graph_of(contents.job_facets)


def _task_name(run: Run, parent: Run) -> str:
    """Return the job's name without the name of its DAG."""
    return run.job.name.removeprefix(f"{parent.job.name}.")


def _job_of(task: str, dag_run: Run) -> UUID:
    return job_id(dag_run.connection_id, dag_run.job.namespace, f"{dag_run.job.name}.{task}")
