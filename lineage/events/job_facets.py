"""The facets of a job that become columns. Broken ones are treated as absent; `_deleted` ones say that there is none.

Shapes: the OpenLineage specification's job facets of the same names; `dag` is what the Airflow provider's run facets
`airflow` and `airflowDagRun` say of a DAG (seen with apache-airflow-providers-openlineage 2.20).
"""

import ast
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, read_facet
from lineage.events.text import storable

MAX_DESCRIPTION_CHARACTERS: Final = 8192
# Of owners and of tags; what is more is left out in columns.
MAX_LABELS: Final = 100
MAX_LABEL_CHARACTERS: Final = 256


class JobFacets(Struct):
    jobType: Raw = NOTHING
    documentation: Raw = NOTHING
    ownership: Raw = NOTHING
    tags: Raw = NOTHING
    sourceCodeLocation: Raw = NOTHING
    dbt_node: Raw = NOTHING


class _Facet(Struct):
    deleted: bool = msgspec.field(name="_deleted", default=False)


class JobTypeFacet(_Facet):
    jobType: str | None = None
    integration: str | None = None
    processingType: str | None = None


class _Documentation(_Facet):
    description: str | None = None


class _Owner(Struct):
    name: str


class _Ownership(_Facet):
    owners: list[_Owner] | None = None


class _Tag(Struct):
    key: str
    value: str | bool | int | float | None = None


class _Tags(_Facet):
    tags: list[_Tag] | None = None


class _SourceCodeLocation(_Facet):
    url: str | None = None
    repoUrl: str | None = None


class AirflowDag(Struct):
    """`tags` is a Python list written as text."""

    dag_id: str | None = None
    tags: str | list[str] | None = None
    timetable: Raw = NOTHING
    timetable_summary: str | None = None


class _OfDag(Struct):
    dag: AirflowDag


class _Timetable(Struct):
    expression: str | None = None
    timezone: str | None = None


def description(raw: Raw) -> str | None:
    facet = read_facet(raw, _Documentation)
    if facet is None or facet.deleted:
        return None if facet is None else ""
    return None if facet.description is None else storable(facet.description)[:MAX_DESCRIPTION_CHARACTERS]


def owners(raw: Raw) -> tuple[str, ...] | None:
    facet = read_facet(raw, _Ownership)
    if facet is None or facet.deleted:
        return None if facet is None else ()
    return None if facet.owners is None else _labels(owner.name for owner in facet.owners)


def tags(raw: Raw) -> tuple[str, ...] | None:
    """Each as `key:value`, or `key` alone where the value says no more than that the tag is there."""
    facet = read_facet(raw, _Tags)
    if facet is None or facet.deleted:
        return None if facet is None else ()
    return None if facet.tags is None else _labels(map(_tag, facet.tags))


def source_url(raw: Raw) -> str | None:
    facet = read_facet(raw, _SourceCodeLocation)
    if facet is None or facet.deleted:
        return None if facet is None else ""
    for url in (facet.url, facet.repoUrl):
        if url and len(url) <= MAX_TEXT_CHARACTERS and url.lower().startswith(("https://", "http://")):
            return storable(url)
    return None


def airflow_dag(raw: Raw) -> AirflowDag | None:
    """What one of the two run facets says of the DAG."""
    facet = read_facet(raw, _OfDag)
    return facet.dag if facet else None


def airflow_schedule(dag: AirflowDag) -> tuple[str, str] | None:
    """The schedule as Airflow shows it, and the time zone of a cron expression."""
    timetable = read_facet(dag.timetable, _Timetable) or _Timetable()
    summary = dag.timetable_summary or timetable.expression
    if not summary:
        return None
    zone = timetable.timezone if timetable.expression and timetable.timezone else ""
    return storable(summary)[:MAX_TEXT_CHARACTERS], storable(zone)[:MAX_LABEL_CHARACTERS]


def airflow_tags(dag: AirflowDag) -> tuple[str, ...] | None:
    """Of providers that send no tags facet."""
    if isinstance(dag.tags, str):
        return _tags_in_text(dag.tags)
    return None if dag.tags is None else _labels(dag.tags)


@lru_cache(1024)
def _tags_in_text(text: str) -> tuple[str, ...] | None:
    if len(text) > MAX_LABELS * MAX_LABEL_CHARACTERS:
        return None
    try:
        said: Any = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    # Airflow before 2.10 wrote a list, others a set.
    return _labels(sorted(map(str, said))) if isinstance(said, list | tuple | set) else None


def _tag(tag: _Tag) -> str:
    said_by_key_alone = tag.value in (None, "", tag.key) or str(tag.value).lower() == "true"
    return tag.key if said_by_key_alone else f"{tag.key}:{tag.value}"


def _labels(texts: Iterable[str]) -> tuple[str, ...]:
    """Each once, in the sender's order."""
    labels = dict.fromkeys(storable(text).strip()[:MAX_LABEL_CHARACTERS] for text in texts)
    labels.pop("", None)
    return tuple(labels)[:MAX_LABELS]
