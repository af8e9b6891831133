"""Facets of jobs that become columns. Broken parts are left out; a `_deleted` facet gives an empty value.

Shapes are the OpenLineage specification's, under its names. Sender-specific facets are in lineage/events/senders.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, read_facet
from lineage.events.text import storable

MAX_DESCRIPTION_CHARACTERS: Final = 8192
# Most owners, and most tags, that a column holds; further ones are left out.
MAX_LABELS: Final = 100
MAX_LABEL_CHARACTERS: Final = 256


class JobFacets(Struct):
    """Job facets of the specification, undecoded. The type that events are decoded to has the senders' own facets,
    too."""

    jobType: Raw = NOTHING
    documentation: Raw = NOTHING
    ownership: Raw = NOTHING
    tags: Raw = NOTHING
    sourceCodeLocation: Raw = NOTHING
    lineage: Raw = NOTHING
    extractionError: Raw = NOTHING
    # Of what this product fetches itself (pull/documents.py): the specification has no schedule.
    observatory_job: Raw = NOTHING


class _Facet(Struct):
    deleted: bool | None = msgspec.field(name="_deleted", default=None)


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


class _FetchedJob(_Facet):
    schedule: str | None = None
    timezone: str | None = None


# Facet → its shape.
SHAPES: Final[Mapping[str, type[Struct]]] = {
    "jobType": JobTypeFacet,
    "documentation": _Documentation,
    "ownership": _Ownership,
    "tags": _Tags,
    "sourceCodeLocation": _SourceCodeLocation,
    "observatory_job": _FetchedJob,
}


def description(raw: Raw) -> str | None:
    if raw is NOTHING:
        return None
    facet = read_facet(raw, _Documentation)
    if facet is None or facet.deleted:
        return None if facet is None else ""
    return None if facet.description is None else storable(facet.description)[:MAX_DESCRIPTION_CHARACTERS]


def owners(raw: Raw) -> tuple[str, ...] | None:
    if raw is NOTHING:
        return None
    facet = read_facet(raw, _Ownership)
    if facet is None or facet.deleted:
        return None if facet is None else ()
    return None if facet.owners is None else labels(owner.name for owner in facet.owners)


def tags(raw: Raw) -> tuple[str, ...] | None:
    """Read tags as `key:value`, or as `key` if the value adds nothing (empty, `true` or the key itself)."""
    if raw is NOTHING:
        return None
    facet = read_facet(raw, _Tags)
    if facet is None or facet.deleted:
        return None if facet is None else ()
    return None if facet.tags is None else labels(map(_tag, facet.tags))


def source_url(raw: Raw) -> str | None:
    if raw is NOTHING:
        return None
    facet = read_facet(raw, _SourceCodeLocation)
    if facet is None or facet.deleted:
        return None if facet is None else ""
    for url in (facet.url, facet.repoUrl):
        if url and len(url) <= MAX_TEXT_CHARACTERS and url.lower().startswith(("https://", "http://")):
            return storable(url)
    return None


def schedule(raw: Raw) -> tuple[str, str] | None:
    """Read the schedule as the orchestrator shows it, and its time zone. Both are empty for a job without one."""
    if raw is NOTHING:
        return None
    facet = read_facet(raw, _FetchedJob)
    if facet is None or (facet.schedule is None and not facet.deleted):
        return None
    zone = storable(facet.timezone or "")[:MAX_LABEL_CHARACTERS]
    return storable(facet.schedule or "")[:MAX_TEXT_CHARACTERS], zone


def _tag(tag: _Tag) -> str:
    value_adds_nothing = tag.value in (None, "", tag.key) or str(tag.value).lower() == "true"
    return tag.key if value_adds_nothing else f"{tag.key}:{tag.value}"


def labels(texts: Iterable[str]) -> tuple[str, ...]:
    """Clean labels: without duplicates, in the sender's order."""
    labels = dict.fromkeys(storable(text).strip()[:MAX_LABEL_CHARACTERS] for text in texts)
    labels.pop("", None)
    return tuple(labels)[:MAX_LABELS]
