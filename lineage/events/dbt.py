"""What dbt-ol says in its own way (seen with openlineage-dbt 1.54): nodes, their tests, and what became of them.

It has two modes. By default it reads dbt's results when dbt has ended, and sends one job for all tests of a model. With
`--consume-structured-logs` it sends what dbt does while dbt does it, each test as a job. See docs/decisions/0014, 0016.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Raw, Struct

from lineage.events.event import JobFacts, Outcome, RunFacts
from lineage.events.facets import (
    MAX_ORCHESTRATOR_RUN_ID_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    NOTHING,
    RunFacets,
    read_facet,
)
from lineage.events.identity import run_id
from lineage.events.text import storable

# What a job of dbt-ol is: the command, or a node of dbt's. (A query is of kind SQL.)
_NODE_KINDS: Final = ("MODEL", "TEST", "SNAPSHOT", "SEED")
_KINDS: Final = ("JOB", *_NODE_KINDS)
# dbt's generic tests that look at one model alone. The others may look at a second one.
OF_ONE_MODEL: Final = ("unique", "not_null", "accepted_values")
# What other runs of the same command tell more of: see lineage/states/rules.py.
IN_DOUBT: Final = ("GENERIC_RESULTS", "SOME_RESULTS", "LONE_NO_RESULT", "NO_RESULT")
_COMPARISON: Final = re.compile(r"\s*(=|==|!=|<>|<|<=|>|>=)\s*(\d{1,18})\s*")
_MAX_INPUTS: Final = 100
# Of all tests of a node: so many are looked for by their names.
_MAX_TESTS: Final = 100


class Node(Struct):
    """dbt's node that a job is about; `test_type` (singular, generic) is said in structured mode alone. Its table is
    called `database.schema.alias`."""

    unique_id: str | None = None
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    test_type: str | None = None


class _JobFacets(Struct):
    dbt_node: Raw = NOTHING


class _Invocation(Struct):
    invocation_id: str


class _Config(Struct):
    materialized: str | None = None


class _Model(Struct):
    config: _Config | None = None


class _DatasetFacets(Struct):
    dataSource: Raw = NOTHING
    dbt_model: Raw = NOTHING
    dataQualityAssertions: Raw = NOTHING


class _TestExecution(Struct):
    actual: str | None = None


class _Test(Struct):
    tests: list[_TestExecution]


class Assertion(Struct):
    """One of the specification's facet `dataQualityAssertions`."""

    assertion: str
    success: bool
    name: str | None = None
    column: str | None = None
    severity: str | None = None
    actual: Any = None
    expected: Any = None

    @property
    def has_no_result(self) -> bool:
        return not self.success and self.actual is None

    @property
    def is_query(self) -> bool:
        """Whether it is a query of its own, and no use of a generic test."""
        return self.assertion == self.name

    @property
    def only_warns(self) -> bool:
        """Of one that did not succeed: whether dbt does not fail for it. `expected` may be a threshold, like `>10`."""
        if (self.severity or "").lower() in ("warn", "warning"):
            return True
        threshold = _COMPARISON.fullmatch(self.expected) if isinstance(self.expected, str) else None
        if threshold is None or not isinstance(self.actual, str) or not self.actual.isdecimal():
            return False
        return not _holds(int(self.actual[:18]), threshold[1], int(threshold[2]))


class Assertions(Struct):
    assertions: list[Assertion]


class _Input(Struct):
    facets: Raw = NOTHING
    inputFacets: Raw = NOTHING


class _Tested(Struct):
    inputs: list[_Input] | None = None


class _Said(NamedTuple):
    """What the event of a node says. `sent_name`: the job's name as it came. `node`: None where it is not told."""

    sent_name: str
    event_type: str | None
    facets: RunFacets
    node: Node | None

    @property
    def is_single(self) -> bool:
        """Whether the node is sent by itself: in structured mode alone, but for tests that are queries."""
        return self.node is not None and self.node.unique_id == self.sent_name

    @property
    def in_structured_mode(self) -> bool:
        """Of a test."""
        return self.node is not None and self.node.test_type is not None

    @property
    def table(self) -> tuple[str, ...]:
        """Of the node: none where it is not told."""
        if self.node is None or not self.node.alias:
            return ()
        return (_known_by_table(".".join(filter(None, (self.node.database, self.node.schema, self.node.alias)))),)


class Dataset(Protocol):
    """An input of an event."""

    name: str
    facets: Raw


_tested_decoder: Final = msgspec.json.Decoder(_Tested)


def node_of(raw: Raw) -> Node | None:
    """The node that the facet `dbt_node` names, with its `unique_id`, such as `model.shop.orders`."""
    facet = read_facet(raw, Node)
    if facet is None or not facet.unique_id:
        return None
    facet.unique_id = storable(facet.unique_id)[:MAX_TEXT_CHARACTERS]
    return facet


def job_of_node(
    namespace: str, node: Node, kind: str, parent: tuple[str, str] | None, inputs: Sequence[Dataset]
) -> tuple[str, tuple[str, str] | None]:
    """The name that a node's job has whatever command and mode ran it, and its parent; None: this event tells none."""
    name = node.unique_id or ""
    if kind != "TEST":
        return name, parent
    if not name.startswith("test."):
        # One job for all tests of a model, with the model's own id.
        return f"{name}.test", parent if name.startswith("source.") else (namespace, name)
    tested = _tested_nodes(name, inputs)
    if len(tested) == 1:
        return name, (namespace, tested[0])
    # What such a test needs is told when it starts, and which of them it tests when it ends.
    return name, None if node.test_type == "generic" and tested else parent


def _tested_nodes(test: str, inputs: Sequence[Dataset]) -> list[str]:
    """The models, snapshots and seeds that a test looks at. Events name their tables alone: a table that its project
    gives another name than its model's is not found."""
    words = test.split(".")
    if len(words) < 3:
        return []
    nodes = []
    for dataset in inputs[:_MAX_INPUTS]:
        facets = read_facet(dataset.facets, _DatasetFacets) or _DatasetFacets()
        model = read_facet(facets.dbt_model, _Model)
        materialized = model.config.materialized if model and model.config else None
        if materialized is None and facets.dataSource is not NOTHING:
            continue  # a source
        type_ = materialized if materialized in ("seed", "snapshot") else "model"
        nodes.append(f"{type_}.{words[1]}.{storable(dataset.name).rpartition('.')[2]}"[:MAX_TEXT_CHARACTERS])
    return nodes


def _tables(inputs: Sequence[Dataset]) -> tuple[str, ...]:
    return tuple(_known_by_table(dataset.name) for dataset in inputs[:_MAX_INPUTS])


def _known_by_table(table: str) -> str:
    """What stands for a model among the jobs that a test needs, where events name the table alone: no job's name."""
    return f"table {storable(table)}"


def is_of_build(sent_name: str) -> bool:
    """Of the job of all tests of a model, as it came: whether they are of `dbt build`. `dbt test` skips none."""
    return sent_name.endswith(".build.test")


def is_of_dbt(job: JobFacts | None) -> bool:
    """Whether it is a command or a node."""
    return job is not None and job.integration == "DBT" and job.kind in _KINDS


def understood(
    run: RunFacts,
    job: JobFacts,
    *,
    sent_name: str,
    event_type: str | None,
    facets: RunFacets,
    job_facets: Raw,
    inputs: Sequence[Dataset],
    body: bytes,
) -> RunFacts:
    """What the event of a command or a node says of its run, with what only dbt-ol's own ways tell.

    `sent_name`: the job's name as it came.
    """
    said = read_facet(facets.dbt_run, _Invocation)
    invocation = storable(said.invocation_id) if said else ""
    invocation_id = run_id(invocation)[0] if invocation else None
    of_node = _Said(sent_name, event_type, facets, _node_in(job_facets))
    assertions = _assertions(body) if _is_of_all_tests(job, of_node) else ()
    outcome, needed = _outcome(job, of_node, inputs, assertions)
    if invocation_id is None:
        outcome, needed, node, tests = "FAIL" if outcome in IN_DOUBT else outcome, (), None, None
    else:
        node, tests = _single_node(job, of_node), _tests_with_result(job, of_node, assertions)
    return msgspec.structs.replace(
        run,
        orchestrator_run_id=invocation[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS] if job.kind == "JOB" else "",
        invocation_id=invocation_id,
        outcome=outcome,
        needed_jobs=needed,
        node=node,
        tests=tests,
    )


def _node_in(job_facets: Raw) -> Node | None:
    facets = read_facet(job_facets, _JobFacets)
    return read_facet(facets.dbt_node, Node) if facets else None


def _single_node(job: JobFacts, said: _Said) -> str | None:
    """What a node that was sent by itself, and ended, is looked for by: a test by its name, as default mode tells it.
    None: it is none, or has not ended."""
    if said.node is None or not said.is_single or said.event_type not in ("COMPLETE", "FAIL", "ABORT"):
        return None
    if job.kind != "TEST":
        return job.name if job.kind in _NODE_KINDS else None
    if not said.in_structured_mode:
        return None
    # `test.package.name`, and of a generic one a hash behind.
    name = job.name.split(".", 2)[-1]
    return _known_by_name(name.rpartition(".")[0] if said.node.test_type == "generic" else name)


def _tests_with_result(job: JobFacts, said: _Said, assertions: Sequence[Assertion]) -> tuple[str, ...] | None:
    """Of tests as default mode sends them: what those that have a result are looked for by. None: it is no such run, or
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
    job: JobFacts, said: _Said, inputs: Sequence[Dataset], assertions: Sequence[Assertion]
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Of a node, where the event's type does not say it, and what it needs if that leaves a doubt. Of a model, in any
    case, its table."""
    if said.event_type == "ABORT" and job.kind in _NODE_KINDS:
        return "SKIP", ()
    if said.event_type not in ("COMPLETE", "FAIL"):
        return None, ()
    if job.kind == "TEST":
        return _outcome_of_tests(job, said, inputs, assertions)
    return None, said.table if job.kind == "MODEL" and job.name != said.sent_name else ()


def _outcome_of_tests(
    job: JobFacts, said: _Said, inputs: Sequence[Dataset], assertions: Sequence[Assertion]
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Of one test or of all tests of a node, and what it needs if that leaves a doubt."""
    if _is_of_all_tests(job, said):
        outcome, needed = _outcome_of_all(assertions, said.sent_name, job.name.removesuffix(".test"))
        return outcome, (*needed, *said.table) if outcome == "NO_RESULT" else needed
    # In structured mode one that was skipped is no failure.
    if said.event_type != "FAIL" or said.in_structured_mode or not _has_no_result(said.facets.test):
        return None, ()
    # Who names the test's own table names those of models, too.
    needed = _tables(inputs) if said.table else tuple(_tested_nodes(job.name, inputs))
    return "LONE_NO_RESULT" if needed else None, needed


def _outcome_of_all(
    assertions: Sequence[Assertion], sent_name: str, node: str
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Of the tests of one node, by what is said of each, and the jobs that it needs if that leaves a doubt. A test
    without a result was skipped, or could not be run: dbt-ol tells both in the same words."""
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
    queries = [f"test.{package}.{storable(one.assertion)}" for one in without_result if one.is_query]
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


def _holds(number: int, comparison: str, other: int) -> bool:
    if number == other:
        return comparison in ("=", "==", "<=", ">=")
    return comparison in ("!=", "<>") or comparison[0] == ("<" if number < other else ">")
