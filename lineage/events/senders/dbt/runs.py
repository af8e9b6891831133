"""Outcomes of dbt's nodes and tests, as dbt-ol sends them.

dbt-ol has two modes. By default it reads dbt's results after dbt has ended, and sends one job for all tests of a model.
With `--consume-structured-logs` it sends events while dbt runs, and each test is a job. See docs/decisions/0014, 0016.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.assertions import Assertion, Assertions
from lineage.events.document import read_body
from lineage.events.event import UNRESOLVED, JobFacts, Outcome, RunFacts
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS, NOTHING, RunFacets, read_facet
from lineage.events.identity import run_id
from lineage.events.senders.dbt.nodes import (
    KINDS,
    NODE_KINDS,
    Node,
    is_hook,
    is_node,
    is_of_all_tests,
    table_search_name,
    tables_of,
    tested_nodes,
)
from lineage.events.senders.dbt.results import OF_ONE_MODEL, WARNED, is_from_build, is_query, sends_counts
from lineage.events.senders.sender import Input, RunEvent
from lineage.events.text import storable

# Most tests of a node that are searched by name.
_MAX_TESTS: Final = 100


class Invocation(Struct):
    invocation_id: str


class _DatasetFacets(Struct):
    dataQualityAssertions: Raw = NOTHING


class _TestExecution(Struct):
    actual: str | None = None


class _Test(Struct):
    tests: list[_TestExecution]


class _Input(Struct):
    facets: Raw = NOTHING
    inputFacets: Raw = NOTHING


class _Tested(Struct):
    inputs: list[_Input] | None = None


_tested_decoder: Final = msgspec.json.Decoder(_Tested)


class _NodeEvent(Struct, frozen=True, gc=False):
    """Event of a dbt node, or of a command. `sent_name`: the job's name as received. `node`: None if the event has no
    `dbt_node` facet. `sends_counts`: this version sends how many rows failed a test."""

    sent_name: str
    event_type: str | None
    facets: RunFacets
    node: Node | None
    is_command: bool
    sends_counts: bool

    @property
    def is_single(self) -> bool:
        """Tell whether the node has a run of its own: always in structured mode; in default mode only tests that are
        queries."""
        return self.node is not None and self.node.unique_id == self.sent_name

    @property
    def in_structured_mode(self) -> bool:
        """Tell whether structured mode sent this event of a test."""
        return self.node is not None and self.node.test_type is not None

    def has_no_result(self, test: Assertion) -> bool:
        return self.sends_counts and test.has_no_result

    @property
    def is_without_result(self) -> bool:
        """Tell whether this is a test that is a query of its own, and its facet `test` has no result."""
        test = read_facet(self.facets.test, _Test) if self.sends_counts else None
        return test is not None and all(one.actual is None for one in test.tests)

    @property
    def table(self) -> tuple[str, ...]:
        """Search name of the node's table; empty if the event does not give the table."""
        if self.node is None or not self.node.alias:
            return ()
        return (table_search_name(".".join(filter(None, (self.node.database, self.node.schema, self.node.alias)))),)


def run_facts(run: RunFacts, job: JobFacts, event: RunEvent) -> RunFacts:
    """Add what dbt-ol's facets and names say to the facts of a command's or a node's run."""
    if job.kind not in KINDS:
        return _of_query(run)
    facet = read_facet(getattr(event.run_facets, "dbt_run", NOTHING), Invocation)
    invocation = storable(facet.invocation_id) if facet else ""
    invocation_id = run_id(invocation)[0] if invocation else None
    node = read_facet(getattr(event.job_facets, "dbt_node", NOTHING), Node)
    node_event = _NodeEvent(
        event.job_name,
        event.event_type,
        event.run_facets,
        node,
        is_command=job.kind == "JOB" and not is_node(event.job_name, event.job_facets),
        sends_counts=job.kind == "TEST" and sends_counts(bytes(event.producer), has_node=node is not None),
    )
    assertions = _assertions(event.body) if _is_of_all_tests(job, node_event) else ()
    outcome, needed = _outcome(job, node_event, event.inputs, assertions)
    if invocation_id is None:
        outcome, needed, by_name, tests = "FAIL" if outcome in UNRESOLVED else outcome, (), None, None
    else:
        by_name, tests = _single_node(job, node_event), _tests_with_result(job, node_event, assertions)
    return msgspec.structs.replace(
        run,
        orchestrator_run_id=invocation[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS] if node_event.is_command else "",
        invocation_id=invocation_id,
        outcome=outcome,
        needed_jobs=needed,
        node=by_name,
        tests=tests,
    )


def _of_query(run: RunFacts) -> RunFacts:
    """Return the facts of a query's run. A query of a hook names the hook as its parent, which sends no events: its
    parent is the root, which is the command, or what started that."""
    if run.root is None or run.parent is None or not is_hook(run.parent.job_name):
        return run
    return msgspec.structs.replace(run, parent=run.root)


def _single_node(job: JobFacts, node_event: _NodeEvent) -> str | None:
    """Return the search name of a node that ended and has a run of its own; None for any other run.

    A test gets the name under which default mode reports it.
    """
    if (
        node_event.node is None
        or not node_event.is_single
        or node_event.event_type not in ("COMPLETE", "FAIL", "ABORT")
    ):
        return None
    if job.kind != "TEST":
        return job.name if job.kind in NODE_KINDS else None
    if not node_event.in_structured_mode:
        return None
    # `test.package.name`, followed by a hash if it is generic.
    name = job.name.split(".", 2)[-1]
    return _test_search_name(name.rpartition(".")[0] if node_event.node.test_type == "generic" else name)


def _tests_with_result(
    job: JobFacts, node_event: _NodeEvent, assertions: Sequence[Assertion]
) -> tuple[str, ...] | None:
    """Return the search names of the tests with a result, if default mode sent them.

    None: it is another kind of run, or its tests cannot be found by name, for example because they have none.
    """
    if not _is_of_all_tests(job, node_event):
        is_lone = job.kind == "TEST" and node_event.is_single and not node_event.in_structured_mode
        return () if is_lone and node_event.is_without_result else None
    names = {one.name or "" for one in assertions if not node_event.has_no_result(one)}
    if not assertions or "" in names or len(names) > _MAX_TESTS:
        return None
    return tuple(map(_test_search_name, sorted(names)))


def _test_search_name(test: str) -> str:
    """Return the name under which a test is found if events give its name, but not its node's id. No job has this
    name."""
    return f"test {storable(test)}"


def _is_of_all_tests(job: JobFacts, node_event: _NodeEvent) -> bool:
    return job.kind == "TEST" and not node_event.is_single and is_of_all_tests(node_event.sent_name)


def _outcome(
    job: JobFacts, node_event: _NodeEvent, inputs: Sequence[Input], assertions: Sequence[Assertion]
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Return the outcome of a node, if the event type does not say it, and the jobs that it needs if other runs decide.

    For a model the second value is the search name of its table.
    """
    if node_event.event_type == "ABORT" and not node_event.is_command:
        return "SKIP", ()
    if node_event.event_type == WARNED and job.kind == "TEST":
        return "COMPLETE", ()
    if node_event.event_type not in ("COMPLETE", "FAIL"):
        return None, ()
    if job.kind == "TEST":
        return _outcome_of_tests(job, node_event, inputs, assertions)
    return None, node_event.table if job.kind == "MODEL" and job.name != node_event.sent_name else ()


def _outcome_of_tests(
    job: JobFacts, node_event: _NodeEvent, inputs: Sequence[Input], assertions: Sequence[Assertion]
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Return the outcome of one test or of all tests of a node, and the jobs that it needs if other runs decide."""
    if _is_of_all_tests(job, node_event):
        outcome, needed = _outcome_of_all(assertions, node_event, job.name.removesuffix(".test"))
        return outcome, (*needed, *node_event.table) if outcome == "NO_RESULT" else needed
    # Structured mode sends no FAIL for a skipped test.
    if node_event.event_type != "FAIL" or node_event.in_structured_mode or not node_event.is_without_result:
        return None, ()
    # An event that names the test's own table names the tables of models, too.
    needed = tables_of(inputs) if node_event.table else tuple(tested_nodes(job.name, inputs))
    return "LONE_NO_RESULT" if needed else None, needed


def _outcome_of_all(
    assertions: Sequence[Assertion], node_event: _NodeEvent, node: str
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Return the outcome of the tests of one node, from their assertions, and the jobs that it needs if other runs
    decide.

    dbt-ol reports a test that was skipped and one that could not be run in one way: without a result. Versions that
    send no counts report both as failed.
    """
    without_result = [one for one in assertions if node_event.has_no_result(one)]
    if any(not (one.success or node_event.has_no_result(one) or one.only_warns) for one in assertions):
        return "FAIL", ()
    if not without_result:
        return "COMPLETE" if assertions else None, ()
    if not is_from_build(node_event.sent_name):
        return "FAIL", ()
    if len(without_result) == len(assertions):
        return "NO_RESULT", (node,)
    if any(one.assertion in OF_ONE_MODEL for one in without_result):
        return "FAIL", ()
    # Tests that are queries have runs of their own.
    package = node.split(".")[1] if node.count(".") > 1 else ""
    queries = [f"test.{package}.{storable(one.assertion)}" for one in without_result if is_query(one)]
    return "GENERIC_RESULTS" if len(queries) == len(without_result) else "SOME_RESULTS", tuple(queries)


def _assertions(body: bytes) -> list[Assertion]:
    document = read_body(body, _tested_decoder) or _Tested()
    found = []
    for dataset in document.inputs or ():
        for raw in (dataset.inputFacets, dataset.facets):
            facets = read_facet(raw, _DatasetFacets)
            facet = read_facet(facets.dataQualityAssertions, Assertions) if facets else None
            if facet is not None:
                found += facet.assertions
                break
    return found
