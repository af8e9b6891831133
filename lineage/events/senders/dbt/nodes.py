"""dbt's nodes: the jobs that dbt-ol sends, their names, and the tables that they stand for."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, read_facet
from lineage.events.senders.sender import Input, JobName, SentJob
from lineage.events.text import storable

# What a job of dbt-ol is: the command, or a node of dbt's. (A query is of kind SQL.)
NODE_KINDS: Final = ("MODEL", "TEST", "SNAPSHOT", "SEED")
KINDS: Final = ("JOB", *NODE_KINDS)
_MAX_INPUTS: Final = 100


class Node(Struct):
    """dbt's node that a job is about; `test_type` (singular, generic) is said in structured mode alone. Its table is
    called `database.schema.alias`."""

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
    """The node that the facet `dbt_node` names, with its `unique_id`, such as `model.shop.orders`."""
    facet = read_facet(raw, Node)
    if facet is None or not facet.unique_id:
        return None
    facet.unique_id = storable(facet.unique_id)[:MAX_TEXT_CHARACTERS]
    return facet


def named(job: SentJob) -> tuple[str, JobName | None]:
    """The name that a node's job has whatever command and mode ran it, and its parent; None: this event tells none."""
    node = _node_of(getattr(job.facets, "dbt_node", NOTHING))
    if node is None:
        return job.name, job.parent
    name = node.unique_id or ""
    if job.kind != "TEST":
        return name, job.parent
    if not name.startswith("test."):
        # One job for all tests of a model, with the model's own id.
        return f"{name}.test", job.parent if name.startswith("source.") else (job.namespace, name)
    tested = tested_nodes(name, job.inputs)
    if len(tested) == 1:
        return name, (job.namespace, tested[0])
    # What such a test needs is told when it starts, and which of them it tests when it ends.
    return name, None if node.test_type == "generic" and tested else job.parent


def tested_nodes(test: str, inputs: Sequence[Input]) -> list[str]:
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


def tables_of(inputs: Sequence[Input]) -> tuple[str, ...]:
    return tuple(known_by_table(dataset.name) for dataset in inputs[:_MAX_INPUTS])


def known_by_table(table: str) -> str:
    """What stands for a model among the jobs that a test needs, where events name the table alone: no job's name."""
    return f"table {storable(table)}"


def derived_type(_integration: str, name: str, _has_parent: bool) -> tuple[str, str]:
    return _kind_of_name(name), ""


def _kind_of_name(name: str) -> str:
    """Derive the kind from the names by dbt-ol: `model.project.name` and its queries below, or `….build.test`."""
    words = name.split(".")
    if len(words) > 2 and words[-2] == "sql" and words[-1].isdigit():
        return "SQL"
    for word, kind in (("test", "TEST"), ("snapshot", "SNAPSHOT"), ("seed", "SEED"), ("model", "MODEL")):
        if len(words) > 2 and word in (words[0], words[-1]):
            return kind
    # `database.schema.project.model`, where the command's own job is `dbt-run-project`.
    return "MODEL" if len(words) > 3 else "JOB"
