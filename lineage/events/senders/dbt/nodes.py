"""dbt's nodes: the jobs that dbt-ol sends, their names, and their tables."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, read_facet
from lineage.events.job_facets import JobFacets
from lineage.events.senders.sender import Input, JobName, SentJob
from lineage.events.text import storable

# Kinds of dbt-ol's jobs: nodes of dbt, and the command itself (JOB). Queries are not among them; they have kind SQL.
NODE_KINDS: Final = ("MODEL", "TEST", "SNAPSHOT", "SEED")
KINDS: Final = ("JOB", *NODE_KINDS)
_MAX_INPUTS: Final = 100
# Endings of names in default mode, by kind of job: of `dbt build`, and the one of all other commands.
_ENDINGS: Final = {
    "MODEL": (".build.run", ""),
    "SNAPSHOT": (".build.snapshot", ".snapshot"),
    "TEST": (".build.test", ".test"),
}
# Beginnings of the names of unit tests and of hooks, whose events have no jobType.
_UNIT_TEST: Final = "unit_test."
_HOOK: Final = "operation."


class Node(Struct):
    """dbt node of a job. Its table is `database.schema.alias`. Only structured mode gives `test_type` (singular,
    generic)."""

    unique_id: str | None = None
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    test_type: str | None = None


class _Config(Struct):
    materialized: str | None = None


class _Model(Struct):
    config: _Config | None = None


class _DatasetFacets(Struct):
    dataSource: Raw = NOTHING
    dbt_model: Raw = NOTHING


def _node_of(raw: Raw) -> Node | None:
    """Read the node from the facet `dbt_node`, if that has a `unique_id`, such as `model.shop.orders`."""
    facet = read_facet(raw, Node)
    if facet is None or not facet.unique_id:
        return None
    facet.unique_id = storable(facet.unique_id)[:MAX_TEXT_CHARACTERS]
    return facet


def name_and_parent(job: SentJob) -> tuple[str, JobName | None]:
    """Return one name for a node's job, whatever command and mode ran it, and its parent (None if this event names
    none)."""
    node = _node_of(getattr(job.facets, "dbt_node", NOTHING))
    if node is None:
        return _name_and_parent_by_name(job)
    name = node.unique_id or ""
    if job.kind != "TEST":
        return name, job.parent
    if not name.startswith("test."):
        # One job for all tests of a model, with the model's own id.
        return f"{name}.test", job.parent if name.startswith("source.") else (job.namespace, name)
    tested = tested_nodes(name, job.inputs)
    if len(tested) == 1:
        return name, (job.namespace, tested[0])
    # The START event of such a test names all models that it needs; the last event names those that it tests.
    return name, None if node.test_type == "generic" and tested else job.parent


def _name_and_parent_by_name(job: SentJob) -> tuple[str, JobName | None]:
    """Return name and parent of a node whose events have no id: a unit test, a query of a hook, or a node in default
    mode of an old dbt-ol, such as 1.30."""
    name = job.name
    if name.startswith(_UNIT_TEST):
        # `unit_test.project.model.name`
        words = name.split(".")
        return name, (job.namespace, ".".join(("model", *words[1:3]))) if len(words) > 3 else job.parent
    if job.root and job.parent and is_hook(job.parent[1]):
        return name, job.root
    of_build, of_others = _ENDINGS.get(job.kind, ("", ""))
    # What is left must name a schema, a project and a model: a model may itself be named `run`, in a project `build`.
    if of_build and name.endswith(of_build) and name.removesuffix(of_build).count(".") > 1:
        name = name.removesuffix(of_build) + of_others
    if job.kind != "TEST" or not is_of_all_tests(name):
        return name, job.parent
    # Sources have no jobs.
    return name, job.parent if ".source." in name else (job.namespace, name.removesuffix(".test"))


def is_of_all_tests(name: str) -> bool:
    """Tell whether a job of tests has a name that default mode gives to all tests of a model:
    `database.schema.project.model.test`, or without a database."""
    return name.endswith(".test") and name.count(".") > 2 and not name.startswith(_UNIT_TEST)


def is_node(name: str, facets: JobFacets) -> bool:
    """Tell whether a job of kind JOB is a node, such as a hook, and not a command."""
    return getattr(facets, "dbt_node", NOTHING) is not NOTHING or is_hook(name)


def is_hook(name: str) -> bool:
    """Tell whether a job is a hook, such as `operation.shop.shop-on-run-end-0`, or a query of one."""
    return name.startswith(_HOOK)


def tested_nodes(test: str, inputs: Sequence[Input]) -> list[str]:
    """Return the models, snapshots and seeds that a test reads.

    Events name only tables. A model whose table has another name is not found.
    """
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


def tables_of(inputs: Sequence[Input]) -> tuple[str, ...]:
    return tuple(table_search_name(dataset.name) for dataset in inputs[:_MAX_INPUTS])


def table_search_name(table: str) -> str:
    """Return the name under which a test refers to a model if its events name only the model's table. No job has this
    name."""
    return f"table {storable(table)}"


def derived_type(_integration: str, name: str, _has_parent: bool) -> tuple[str, str]:
    return _kind_of_name(name), ""


def _kind_of_name(name: str) -> str:
    """Derive the kind from a name given by dbt-ol: `model.project.name`, its queries below that, or `….build.test`."""
    words = name.split(".")
    if len(words) > 2 and words[-2] == "sql" and words[-1].isdigit():
        return "SQL"
    if name.startswith((_UNIT_TEST, _HOOK)):
        return "TEST" if name.startswith(_UNIT_TEST) else "JOB"
    for word, kind in (("test", "TEST"), ("snapshot", "SNAPSHOT"), ("seed", "SEED"), ("model", "MODEL")):
        if len(words) > 2 and word in (words[0], words[-1]):
            return kind
    # `database.schema.project.model` is a model; the command's own job is `dbt-run-project`.
    return "MODEL" if len(words) > 3 else "JOB"
