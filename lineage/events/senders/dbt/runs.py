"""What became of dbt's nodes and tests, as dbt-ol sends them.

It has two modes. By default it reads dbt's results when dbt has ended, and sends one job for all tests of a model. With
`--consume-structured-logs` it sends what dbt does while dbt does it, each test as a job. See docs/decisions/0014, 0016.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.assertions import Assertion, Assertions
from lineage.events.event import UNRESOLVED, JobFacts, Outcome, RunFacts
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS, NOTHING, RunFacets, read_facet
from lineage.events.identity import run_id
from lineage.events.senders.dbt.nodes import KINDS, NODE_KINDS, Node, known_by_table, tables_of, tested_nodes
from lineage.events.senders.dbt.results import OF_ONE_MODEL, is_of_build, is_query
from lineage.events.senders.sender import Input, RunEvent
from lineage.events.text import storable

# Of all tests of a node: so many are looked for by their names.
_MAX_TESTS: Final = 100


class _Invocation(Struct):
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


class _Said(Struct, frozen=True, gc=False):
    """What the event of a node says. `sent_name`: the job's name as it came. `node`: None where it is not told."""

    sent_name: str
    event_type: str | None
    facets: RunFacets
    node: Node | None

    @property
    def is_single(self) -> bool:
        """Tell whether the node is sent by itself: in structured mode alone, but for tests that are queries."""
        return self.node is not None and self.node.unique_id == self.sent_name

    @property
    def in_structured_mode(self) -> bool:
        """Tell whether the event of a test is one of structured mode."""
        return self.node is not None and self.node.test_type is not None

    @property
    def table(self) -> tuple[str, ...]:
        """Table of the node: none where it is not told."""
        if self.node is None or not self.node.alias:
            return ()
        return (known_by_table(".".join(filter(None, (self.node.database, self.node.schema, self.node.alias)))),)


_tested_decoder: Final = msgspec.json.Decoder(_Tested)


def run_facts(run: RunFacts, job: JobFacts, event: RunEvent) -> RunFacts:
    """What the event of a command or a node says of its run, with what only dbt-ol's own ways tell."""
    if job.kind not in KINDS:
        return run
    said = read_facet(getattr(event.run_facets, "dbt_run", NOTHING), _Invocation)
    invocation = storable(said.invocation_id) if said else ""
    invocation_id = run_id(invocation)[0] if invocation else None
    node = read_facet(getattr(event.job_facets, "dbt_node", NOTHING), Node)
    of_node = _Said(event.job_name, event.event_type, event.run_facets, node)
    assertions = _assertions(event.body) if _is_of_all_tests(job, of_node) else ()
    outcome, needed = _outcome(job, of_node, event.inputs, assertions)
    if invocation_id is None:
        outcome, needed, by_name, tests = "FAIL" if outcome in UNRESOLVED else outcome, (), None, None
    else:
        by_name, tests = _single_node(job, of_node), _tests_with_result(job, of_node, assertions)
    return msgspec.structs.replace(
        run,
        orchestrator_run_id=invocation[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS] if job.kind == "JOB" else "",
        invocation_id=invocation_id,
        outcome=outcome,
        needed_jobs=needed,
        node=by_name,
        tests=tests,
    )


def _single_node(job: JobFacts, said: _Said) -> str | None:
    """What a node that was sent by itself, and ended, is looked for by: a test by its name, as default mode tells it.
    None: it is none, or has not ended."""
    if said.node is None or not said.is_single or said.event_type not in ("COMPLETE", "FAIL", "ABORT"):
        return None
    if job.kind != "TEST":
        return job.name if job.kind in NODE_KINDS else None
    if not said.in_structured_mode:
        return None
    # `test.package.name`, and of a generic one a hash behind.
    name = job.name.split(".", 2)[-1]
    return _known_by_name(name.rpartition(".")[0] if said.node.test_type == "generic" else name)


def _tests_with_result(job: JobFacts, said: _Said, assertions: Sequence[Assertion]) -> tuple[str, ...] | None:
    """Names by which tests that have a result are looked for, if default mode sent them. None: it is no such run, or
    none that others can stand for: its tests have no names, or are too many, or it is of one test that has a result."""
    if not _is_of_all_tests(job, said):
        is_lone = job.kind == "TEST" and said.is_single and not said.in_structured_mode
        return () if is_lone and _has_no_result(said.facets.test) else None
    names = {one.name or "" for one in assertions if not one.has_no_result}
    if not assertions or "" in names or len(names) > _MAX_TESTS:
        return None
    return tuple(map(_known_by_name, sorted(names)))


def _known_by_name(test: str) -> str:
    """What stands for a test where events tell its name, and not the id of its node: no job's name."""
    return f"test {storable(test)}"


def _is_of_all_tests(job: JobFacts, said: _Said) -> bool:
    return job.kind == "TEST" and job.name != said.sent_name and job.name.endswith(".test")


def _outcome(
    job: JobFacts, said: _Said, inputs: Sequence[Input], assertions: Sequence[Assertion]
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Outcome of a node, where the event's type does not say it, and what it needs if other runs decide. For a model,
    in any case, its table."""
    if said.event_type == "ABORT" and job.kind in NODE_KINDS:
        return "SKIP", ()
    if said.event_type not in ("COMPLETE", "FAIL"):
        return None, ()
    if job.kind == "TEST":
        return _outcome_of_tests(job, said, inputs, assertions)
    return None, said.table if job.kind == "MODEL" and job.name != said.sent_name else ()


def _outcome_of_tests(
    job: JobFacts, said: _Said, inputs: Sequence[Input], assertions: Sequence[Assertion]
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Outcome of one test or of all tests of a node, and what it needs if other runs decide."""
    if _is_of_all_tests(job, said):
        outcome, needed = _outcome_of_all(assertions, said.sent_name, job.name.removesuffix(".test"))
        return outcome, (*needed, *said.table) if outcome == "NO_RESULT" else needed
    # In structured mode one that was skipped is no failure.
    if said.event_type != "FAIL" or said.in_structured_mode or not _has_no_result(said.facets.test):
        return None, ()
    # Who names the test's own table names those of models, too.
    needed = tables_of(inputs) if said.table else tuple(tested_nodes(job.name, inputs))
    return "LONE_NO_RESULT" if needed else None, needed


def _outcome_of_all(
    assertions: Sequence[Assertion], sent_name: str, node: str
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Outcome of the tests of one node, by what is said of each, and the jobs that it needs if other runs decide.

    A test without a result was skipped, or could not be run: dbt-ol tells both in the same words.
    """
    without_result = [one for one in assertions if one.has_no_result]
    if any(not (one.success or one.has_no_result or one.only_warns) for one in assertions):
        return "FAIL", ()
    if not without_result:
        return "COMPLETE" if assertions else None, ()
    if not is_of_build(sent_name):
        return "FAIL", ()
    if len(without_result) == len(assertions):
        return "NO_RESULT", (node,)
    if any(one.assertion in OF_ONE_MODEL for one in without_result):
        return "FAIL", ()
    # Those that are queries have runs of their own.
    package = node.split(".")[1] if node.count(".") > 1 else ""
    queries = [f"test.{package}.{storable(one.assertion)}" for one in without_result if is_query(one)]
    return "GENERIC_RESULTS" if len(queries) == len(without_result) else "SOME_RESULTS", tuple(queries)


def _has_no_result(raw: Raw) -> bool:
    """The facet of a test that is a query of its own."""
    test = read_facet(raw, _Test)
    return test is not None and all(one.actual is None for one in test.tests)


def _assertions(body: bytes) -> list[Assertion]:
    try:
        document = _tested_decoder.decode(body)
    except msgspec.DecodeError:
        return []
    found = []
    for dataset in document.inputs or ():
        for raw in (dataset.inputFacets, dataset.facets):
            facets = read_facet(raw, _DatasetFacets)
            said = read_facet(facets.dataQualityAssertions, Assertions) if facets else None
            if said is not None:
                found += said.assertions
                break
    return found
