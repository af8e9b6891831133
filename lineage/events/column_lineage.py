"""Facet `columnLineage`: from which columns each column of a dataset is made. Pure.

Its content is kept in one form, whatever the sender: a source that every column repeats (a filter or a join, which
touches all of them) is given once, for the dataset.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from lineage.events.facets import read_facet
from lineage.events.text import storable

DIRECT: Final = "DIRECT"
INDIRECT: Final = "INDIRECT"
# Facets whose sources are remembered: most jobs send theirs again with each run.
_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 32 * 1024
_NonEmpty = Annotated[str, Meta(min_length=1)]


class _Transformation(Struct):
    type: str | None = None
    subtype: str | None = None


class _InputField(Struct):
    namespace: _NonEmpty
    name: _NonEmpty
    field: _NonEmpty
    transformations: list[_Transformation] | None = None


class _OutputField(Struct):
    inputFields: list[_InputField] | None = None
    # Old form, before `transformations`.
    transformationType: str | None = None


class ColumnLineageFacet(Struct):
    fields: dict[str, _OutputField] | None = None
    dataset: list[_InputField] | None = None


class Source(NamedTuple):
    """Column of a dataset from which another column is made. `type`: DIRECT or INDIRECT. `subtype` may be empty, which
    means that the sender did not say how."""

    namespace: str
    name: str
    field: str
    type: str
    subtype: str


class Columns(Struct):
    """Sources of each column, sorted, and those of all columns. The content of the facts of kind `columns`."""

    fields: dict[str, list[Source]]
    dataset: list[Source]


_decoder: Final = msgspec.json.Decoder(Columns)


def columns_content(raw: Raw) -> bytes | None:
    """Return the content of a facet as canonical JSON. None if it names no source."""
    columns = read_columns(raw)
    return msgspec.json.encode(columns, order="sorted") if columns.fields or columns.dataset else None


def columns_of_content(content: bytes) -> Columns:
    """Decode what `columns_content` made."""
    return _decoder.decode(content)


def read_columns(raw: Raw) -> Columns:
    """Read a facet. What cannot be read is left out."""
    facet = read_facet(raw, ColumnLineageFacet) or ColumnLineageFacet()
    fields = {
        storable(name): _sources(field.inputFields or (), field.transformationType)
        for name, field in (facet.fields or {}).items()
    }
    for_all = set(_sources(facet.dataset or (), INDIRECT))
    if fields:
        repeated = set.intersection(*map(set, fields.values()))
        for_all |= {source for source in repeated if source.type == INDIRECT}
    kept = {name: [source for source in sources if source not in for_all] for name, sources in fields.items()}
    return Columns(kept, sorted(for_all))


def _sources(fields: Iterable[_InputField], default: str | None) -> list[Source]:
    found = set()
    for field in fields:
        names = storable(field.namespace), storable(field.name), storable(field.field)
        kinds = [(one.type, one.subtype) for one in field.transformations or ()] or [(default, None)]
        # Without a transformation the source is direct, and it is not known how.
        found |= {
            Source(*names, INDIRECT if (type_ or "").upper() == INDIRECT else DIRECT, storable(subtype or "").upper())
            for type_, subtype in kinds
        }
    return sorted(found)


def source_datasets(raw: Raw) -> tuple[tuple[str, str], ...]:
    """Return (namespace, name) of the datasets that a facet names as sources, sorted."""
    text = bytes(raw)
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _source_datasets(text)


def _source_datasets(text: bytes) -> tuple[tuple[str, str], ...]:
    columns = read_columns(Raw(text))
    sources = (source for of_field in (*columns.fields.values(), columns.dataset) for source in of_field)
    return tuple(sorted({(source.namespace, source.name) for source in sources}))


_remembered: Final = lru_cache(_REMEMBERED)(_source_datasets)
