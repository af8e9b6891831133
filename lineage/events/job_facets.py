"""The facets of a job that become columns. Broken ones are treated as absent; `_deleted` ones say that there is none.

Shapes: the OpenLineage specification's job facets of the same names. Facets of a sender's own: lineage/events/senders.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, read_facet
from lineage.events.text import storable

MAX_DESCRIPTION_CHARACTERS: Final = 8192
# Of owners and of tags; what is more is left out in columns.
MAX_LABELS: Final = 100
MAX_LABEL_CHARACTERS: Final = 256


class JobFacets(Struct):
    """The specification's. What is decoded has those of the senders' own beside them."""

    jobType: Raw = NOTHING
    documentation: Raw = NOTHING
    ownership: Raw = NOTHING
    tags: Raw = NOTHING
    sourceCodeLocation: Raw = NOTHING


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
    """Each as `key:value`, or `key` alone where the value says no more than that the tag is there."""
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


def _tag(tag: _Tag) -> str:
    said_by_key_alone = tag.value in (None, "", tag.key) or str(tag.value).lower() == "true"
    return tag.key if said_by_key_alone else f"{tag.key}:{tag.value}"


def labels(texts: Iterable[str]) -> tuple[str, ...]:
    """Each once, in the sender's order."""
    labels = dict.fromkeys(storable(text).strip()[:MAX_LABEL_CHARACTERS] for text in texts)
    labels.pop("", None)
    return tuple(labels)[:MAX_LABELS]
