"""Facet `lineage`: which datasets and columns each dataset is made of, stated by the sender. Pure.

OpenLineage calls it experimental. It has had three forms: on a job (`entries`; at first `lineage`), on a run
(`lineage`) and on a dataset. If a job or a run has it, it is the whole truth of that event: an output without an entry
is made of none of the inputs.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from lineage.events.column_lineage import DIRECT, INDIRECT, Columns, Source
from lineage.events.event import DatasetFact, Stated
from lineage.events.facets import NOTHING, read_facet
from lineage.events.text import storable

LINEAGE: Final = "lineage"
_DATASET: Final = "DATASET"
_JOB: Final = "JOB"
# Facets that are remembered: most jobs send theirs again with each run.
_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 32 * 1024
_NonEmpty = Annotated[str, Meta(min_length=1)]
Name = tuple[str, str]  # namespace, name


class _Transformation(Struct):
    type: str | None = None
    subtype: str | None = None


class _Input(Struct):
    """Source of an entry or of one of its columns. A job has a name only if it is another one than the event's."""

    type: str | None = None
    namespace: _NonEmpty | None = None
    name: _NonEmpty | None = None
    field: str | None = None
    transformations: list[_Transformation] | None = None


class _Field(Struct):
    inputs: list[_Input] | None = None


class _Sources(Struct):
    inputs: list[_Input] | None = None
    fields: dict[str, _Field] | None = None
    deleted: bool | None = msgspec.field(name="_deleted", default=None)


class DatasetLineageFacet(_Sources):
    """Facet of a dataset."""


class _Entry(_Sources):
    type: str | None = None
    namespace: _NonEmpty | None = None
    name: _NonEmpty | None = None


class JobLineageFacet(Struct):
    """Facet of a job or of a run."""

    entries: list[_Entry] | None = None
    lineage: list[_Entry] | None = None
    deleted: bool | None = msgspec.field(name="_deleted", default=None)


class Explicit(Columns):
    """Sources of a dataset: `inputs` are the datasets, sorted; `fields` and `dataset` are the columns, as far as the
    sender names any. The content of the facts of kind `lineage`."""

    inputs: list[Name]


class StatedByJob(NamedTuple):
    """Explicit lineage of one event. `targets`: dataset → what it is made of. `read`: datasets that feed the job."""

    targets: dict[Name, Stated]
    read: tuple[Name, ...]


_explicit_decoder: Final = msgspec.json.Decoder(Explicit)


def explicit_of_content(content: bytes) -> Explicit:
    """Decode the content of a fact."""
    return _explicit_decoder.decode(content)


def columns_of(explicit: Explicit, columns: Columns | None) -> Columns:
    """Return the columns of a dataset whose lineage is explicit. `columns`: those of the facet `columnLineage`. If the
    explicit lineage names no column, those of its own sources count."""
    if explicit.fields or explicit.dataset or columns is None:
        return explicit
    named = {tuple(one) for one in explicit.inputs}
    fields = {name: [one for one in sources if one[:2] in named] for name, sources in columns.fields.items()}
    return Columns(fields, [one for one in columns.dataset if one[:2] in named])


def stated_of_dataset(raw: Raw) -> Stated | None:
    """Read the facet of a dataset. None: there is none that can be read."""
    facet = read_facet(raw, DatasetLineageFacet)
    if facet is None or facet.deleted or (facet.inputs is None and facet.fields is None):
        return None
    return _stated([facet])


def stated_of_job(*facets: Raw) -> StatedByJob | None:
    """Read the facets of a job and of its run. None: there is none that can be read."""
    if all(raw is NOTHING for raw in facets):
        return None
    texts = tuple(bytes(raw) for raw in facets)
    return _remembered(texts) if sum(map(len, texts)) <= _LONGEST_REMEMBERED else _stated_of_job(texts)


def _stated_of_job(texts: Sequence[bytes]) -> StatedByJob | None:
    read = (read_facet(Raw(text), JobLineageFacet) for text in texts)
    lists = [one.lineage if one.entries is None else one.entries for one in read if one and not one.deleted]
    if all(entries is None for entries in lists):
        return None
    by_target: dict[Name, list[_Sources]] = {}
    of_job: set[Name] = set()
    for entry in (entry for entries in lists for entry in entries or ()):
        if entry.namespace and entry.name and (entry.type or _DATASET).upper() == _DATASET:
            by_target.setdefault((storable(entry.namespace), storable(entry.name)), []).append(entry)
        elif entry.name is None and (entry.type or "").upper() == _JOB:
            of_job.update(_datasets(entry.inputs or ()))
    targets = {name: _stated(entries) for name, entries in sorted(by_target.items())}
    return StatedByJob(targets, tuple(sorted(of_job)))


_remembered: Final = lru_cache(_REMEMBERED)(_stated_of_job)


def _stated(entries: Iterable[_Sources]) -> Stated:
    """Join the entries of one dataset."""
    names, fields, of_all = set[Name](), dict[str, set[Source]](), set[Source]()
    for entry in entries:
        names.update(_datasets(entry.inputs or ()))
        of_all |= _columns(entry.inputs or (), INDIRECT)
        for column, of in (entry.fields or {}).items():
            names.update(_datasets(of.inputs or ()))
            fields.setdefault(storable(column), set()).update(_columns(of.inputs or (), DIRECT))
    named = {column: sorted(sources) for column, sources in fields.items() if sources}
    explicit = Explicit(named, sorted(of_all), sorted(names))
    return Stated(DatasetFact(LINEAGE, Raw(msgspec.json.encode(explicit, order="sorted"))), tuple(explicit.inputs))


NOT_MADE_OF_ANY: Final = _stated(())


def _datasets(inputs: Iterable[_Input]) -> set[Name]:
    return {_name(one) for one in inputs if _is_dataset(one)}


def _columns(inputs: Iterable[_Input], default: str) -> set[Source]:
    """Return the columns among the sources. `default`: type of those that do not say it."""
    found = set()
    for one in inputs:
        if _is_dataset(one) and one.field:
            for kind in one.transformations or (_Transformation(default),):
                type_ = INDIRECT if (kind.type or default).upper() == INDIRECT else DIRECT
                found.add(Source(*_name(one), storable(one.field), type_, storable(kind.subtype or "").upper()))
    return found


def _is_dataset(one: _Input) -> bool:
    return bool(one.namespace and one.name) and (one.type or _DATASET).upper() == _DATASET


def _name(one: _Input) -> Name:
    return storable(one.namespace or ""), storable(one.name or "")
