"""Facets of datasets. Broken parts are left out; a facet that is `_deleted` has an empty content.

Shapes are the OpenLineage specification's, under its names.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from lineage.events.assertions import Assertion, Assertions
from lineage.events.column_lineage import ColumnLineageFacet, columns_content
from lineage.events.decoders import decoder_of
from lineage.events.event import DatasetFact, Measure
from lineage.events.explicit_lineage import LINEAGE, DatasetLineageFacet
from lineage.events.facets import NOTHING, read_facet
from lineage.events.text import storable

MAX_VERSION_CHARACTERS: Final = 250
# PostgreSQL's index of words takes no more than a megabyte of them.
MAX_NAMES_CHARACTERS: Final = 32_000
SCHEMA: Final = "schema"
_MAX_BIGINT: Final = 2**63 - 1
_Count = Annotated[int, Meta(ge=0, le=_MAX_BIGINT)]


class DatasetFacets(Struct):
    """Facets of a dataset, undecoded."""

    schema: Raw = NOTHING
    documentation: Raw = NOTHING
    ownership: Raw = NOTHING
    tags: Raw = NOTHING
    datasetType: Raw = NOTHING
    storage: Raw = NOTHING
    catalog: Raw = NOTHING
    hierarchy: Raw = NOTHING
    dataSource: Raw = NOTHING
    columnLineage: Raw = NOTHING
    lineage: Raw = NOTHING
    symlinks: Raw = NOTHING
    lifecycleStateChange: Raw = NOTHING
    version: Raw = NOTHING
    dataQualityAssertions: Raw = NOTHING
    dataQualityMetrics: Raw = NOTHING


class UseFacets(Struct):
    """Facets of one use of a dataset, undecoded: `inputFacets` or `outputFacets`."""

    inputStatistics: Raw = NOTHING
    outputStatistics: Raw = NOTHING
    dataQualityMetrics: Raw = NOTHING
    dataQualityAssertions: Raw = NOTHING


class _Deletable(Struct):
    deleted: bool | None = msgspec.field(name="_deleted", default=None)


class _Field(Struct, omit_defaults=True):
    name: str
    type: str | None = None
    description: str | None = None
    fields: list["_Field"] | None = None


class _Schema(Struct, omit_defaults=True):
    fields: list[_Field] | None = None


class _Documentation(Struct, omit_defaults=True):
    description: str | None = None


class _Owner(Struct, omit_defaults=True):
    name: str
    type: str | None = None


class _Ownership(Struct, omit_defaults=True):
    owners: list[_Owner] | None = None


class _Tag(Struct, omit_defaults=True):
    key: str
    value: str | bool | int | float | None = None
    source: str | None = None
    # The column that has the tag. None: the dataset has it.
    field: str | None = None


class _Tags(Struct, omit_defaults=True):
    tags: list[_Tag] | None = None


class _Type(Struct, omit_defaults=True):
    datasetType: str | None = None
    subType: str | None = None


class _Storage(Struct, omit_defaults=True):
    storageLayer: str | None = None
    fileFormat: str | None = None


class _Catalog(Struct, omit_defaults=True):
    framework: str | None = None
    type: str | None = None
    name: str | None = None
    metadataUri: str | None = None
    warehouseUri: str | None = None
    source: str | None = None


class _Level(Struct, omit_defaults=True):
    name: str
    type: str | None = None


class _Hierarchy(Struct, omit_defaults=True):
    hierarchy: list[_Level] | None = None


class _DataSource(Struct, omit_defaults=True):
    name: str | None = None
    uri: str | None = None


class _Identifier(Struct):
    namespace: Annotated[str, Meta(min_length=1)]
    name: Annotated[str, Meta(min_length=1)]


class _Symlink(_Identifier):
    type: str | None = None


class _Symlinks(Struct):
    identifiers: list[_Symlink] | None = None


class _Change(Struct):
    lifecycleStateChange: str | None = None
    previousIdentifier: _Identifier | None = None


class _Version(Struct):
    datasetVersion: str | int | None = None


class _Statistics(Struct):
    rowCount: _Count | None = None
    size: _Count | None = None
    # Name of `size` in the facet `dataQualityMetrics`.
    bytes: _Count | None = None
    fileCount: _Count | None = None


class _Kind(NamedTuple):
    """Kind of fact, and the shape in which its facet is kept."""

    kind: str
    shape: type[Struct]


_KINDS: Final[Mapping[str, _Kind]] = {
    SCHEMA: _Kind(SCHEMA, _Schema),
    "documentation": _Kind("documentation", _Documentation),
    "ownership": _Kind("ownership", _Ownership),
    "tags": _Kind("tags", _Tags),
    "datasetType": _Kind("type", _Type),
    "storage": _Kind("storage", _Storage),
    "catalog": _Kind("catalog", _Catalog),
    "hierarchy": _Kind("hierarchy", _Hierarchy),
    "dataSource": _Kind("datasource", _DataSource),
}
_SHAPES: Final = {kind.kind: kind.shape for kind in _KINDS.values()}
COLUMNS: Final = "columns"
# Facts that many senders give of datasets about which they know nothing else.
_OF_PLACE: Final = frozenset({"datasource", "catalog"})
EMPTY: Final = b""

# Facet → its shape.
SHAPES: Final[Mapping[str, type[Struct]]] = {
    **{name: kind.shape for name, kind in _KINDS.items()},
    "columnLineage": ColumnLineageFacet,
    LINEAGE: DatasetLineageFacet,
    "symlinks": _Symlinks,
    "lifecycleStateChange": _Change,
    "version": _Version,
    "dataQualityMetrics": _Statistics,
    "inputStatistics": _Statistics,
    "outputStatistics": _Statistics,
}


def facts_of(facets: DatasetFacets) -> tuple[DatasetFact, ...]:
    """Return the facts of a dataset, undecoded: `content_of` decodes them."""
    return tuple(
        [
            DatasetFact(kind.kind, facet)
            for name, kind in _KINDS.items()
            if (facet := getattr(facets, name)) is not NOTHING
        ]
    )


def describes(facts: tuple[DatasetFact, ...], facets: DatasetFacets) -> bool:
    """Tell whether an event says more of a dataset than its name and where it is."""
    if facets.columnLineage is not NOTHING or facets.lineage is not NOTHING:
        return True
    return any(fact.kind not in _OF_PLACE for fact in facts)


def content_of(fact: DatasetFact) -> bytes | None:
    """Return the content of a fact as canonical JSON, without what differs between senders of one fact. EMPTY: it was
    deleted. None: there is nothing that can be read."""
    if fact.kind == LINEAGE:
        return bytes(fact.raw)
    deletable = read_facet(fact.raw, _Deletable)
    if deletable is not None and deletable.deleted:
        return EMPTY
    if fact.kind == COLUMNS:
        return columns_content(fact.raw)
    facet: Any = read_facet(fact.raw, _SHAPES[fact.kind])
    if facet is None:
        return None
    content = msgspec.json.encode(facet, order="sorted")
    return None if content == b"{}" else content


def names_of_columns(content: bytes) -> str:
    """Return the names of the columns in the content of a schema, and of the fields inside them, one a line.

    MAX_NAMES_CHARACTERS at most: search does not find the columns beyond.
    """
    schema = decoder_of(_Schema).decode(content) if content else _Schema()
    names: dict[str, None] = {}
    fields = list(schema.fields or ())
    for field in fields:
        names[storable(field.name)] = None
        # Goes on with these.
        fields += field.fields or ()
    return "\n".join(names)[:MAX_NAMES_CHARACTERS]


def symlinks_of(raw: Raw) -> tuple[tuple[str, str, str], ...]:
    """Return (namespace, name, type) of the other names of a dataset."""
    if raw is NOTHING:
        return ()
    facet = read_facet(raw, _Symlinks)
    found = (facet.identifiers if facet else None) or ()
    return tuple((storable(one.namespace), storable(one.name), storable(one.type or "")) for one in found)


def change_of(raw: Raw) -> tuple[str, tuple[str, str] | None] | None:
    """Return the change of a dataset's life, in capitals, and the namespace and name that it had before."""
    if raw is NOTHING:
        return None
    facet = read_facet(raw, _Change)
    if facet is None or not facet.lifecycleStateChange:
        return None
    previous = facet.previousIdentifier
    return (
        storable(facet.lifecycleStateChange.upper()),
        (storable(previous.namespace), storable(previous.name)) if previous else None,
    )


def measure_of(facets: DatasetFacets, use: UseFacets) -> Measure | None:
    """Return what an event counts in a dataset, from the first facet that has any count."""
    version = _version(facets.version)
    counts = (use.outputStatistics, use.inputStatistics, use.dataQualityMetrics, facets.dataQualityMetrics)
    for raw in counts:
        found = None if raw is NOTHING else read_facet(raw, _Statistics)
        if found is not None:
            size = found.bytes if found.size is None else found.size
            if (found.rowCount, size, found.fileCount) != (None, None, None):
                return Measure(found.rowCount, size, found.fileCount, version)
    return Measure(None, None, None, version) if version else None


def _version(raw: Raw) -> str:
    if raw is NOTHING:
        return ""
    facet = read_facet(raw, _Version)
    text = "" if facet is None or facet.datasetVersion is None else str(facet.datasetVersion)
    return storable(text)[:MAX_VERSION_CHARACTERS]


def assertions_of(facets: DatasetFacets, use: UseFacets) -> list[Assertion]:
    """Return the assertions on a dataset."""
    found = []
    for raw in (facets.dataQualityAssertions, use.dataQualityAssertions):
        facet = None if raw is NOTHING else read_facet(raw, Assertions)
        found += facet.assertions if facet else []
    return found
