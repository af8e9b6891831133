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
# What other runs of the same command tell more of: see lineage/states.py.
IN_DOUBT: Final = ("GENERIC_RESULTS", "SOME_RESULTS", "LONE_NO_RESULT", "NO_RESULT")
_COMPARISON: Final = re.compile(r"\s*(=|==|!=|<>|<|<=|>|>=)\s*(\d{1,18})\s*")
_MAX_INPUTS: Final = 100


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
    """What the event of a test says. `table`: of its node, none where it is not told."""

    sent_name: str
    event_type: str
    facets: RunFacets
    table: tuple[str, ...]


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


def _table_of(job_facets: Raw) -> tuple[str, ...]:
    """Of the node: none where it is not told."""
    facets = read_facet(job_facets, _JobFacets)
    node = read_facet(facets.dbt_node, Node) if facets else None
    if node is None or not node.alias:
        return ()
    return (_known_by_table(".".join(filter(None, (node.database, node.schema, node.alias)))),)


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
    outcome: Outcome | None = None
    needed: tuple[str, ...] = ()
    if event_type in ("COMPLETE", "FAIL") and job.kind in ("MODEL", "TEST"):
        table = _table_of(job_facets)
        if job.kind == "TEST":
            outcome, needed = _outcome_of_tests(job, _Said(sent_name, event_type, facets, table), inputs, body)
        elif job.name != sent_name:
            needed = table
    elif event_type == "ABORT" and job.kind in _NODE_KINDS:
        outcome = "SKIP"
    if invocation_id is None:
        outcome, needed = "FAIL" if outcome in IN_DOUBT else outcome, ()
    return msgspec.structs.replace(
        run,
        orchestrator_run_id=invocation[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS] if job.kind == "JOB" else "",
        invocation_id=invocation_id,
        outcome=outcome,
        needed_jobs=needed,
        settles_others=event_type == "FAIL" or outcome in IN_DOUBT or (event_type == "COMPLETE" and job.kind != "TEST"),
    )


def _outcome_of_tests(
    job: JobFacts, said: _Said, inputs: Sequence[Dataset], body: bytes
) -> tuple[Outcome | None, tuple[str, ...]]:
    """Of one test or of all tests of a node, and what it needs if that leaves a doubt."""
    if job.name != said.sent_name and job.name.endswith(".test"):
        outcome, needed = _outcome_of_all(_assertions(body), said.sent_name, job.name.removesuffix(".test"))
        return outcome, (*needed, *said.table) if outcome == "NO_RESULT" else needed
    if said.event_type != "FAIL" or not _has_no_result(said.facets.test):
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
