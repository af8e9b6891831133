"""The facets that become columns. A broken facet is treated as absent: it never rejects its event.

Shapes: the OpenLineage specification's facets of the same names. Facets of a sender's own: lineage/events/senders.
"""

from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from lineage.events.event import ParentReference
from lineage.events.identity import run_id
from lineage.events.text import parse_time, storable

NOTHING = Raw(b"null")
MAX_ERROR_CHARACTERS = 8192
# What is longer is cut in columns; the stored event keeps it whole.
MAX_TEXT_CHARACTERS = 2048
# No orchestrator that is known calls its runs by longer names.
MAX_ORCHESTRATOR_RUN_ID_CHARACTERS = 250
_INT4_MAX = 2**31 - 1


class RunFacets(Struct):
    """The specification's. What is decoded has those of the senders' own beside them."""

    parent: Raw = NOTHING
    nominalTime: Raw = NOTHING
    errorMessage: Raw = NOTHING
    externalQuery: Raw = NOTHING
    test: Raw = NOTHING


class _JobName(Struct):
    namespace: str
    name: str


class _RunId(Struct):
    runId: str


class _RunOfJob(Struct):
    run: _RunId
    job: _JobName


class ParentFacet(Struct):
    run: _RunId
    job: _JobName
    root: Raw = NOTHING


class NominalTimeFacet(Struct):
    nominalStartTime: str
    nominalEndTime: str | None = None


class ErrorMessageFacet(Struct):
    message: str


class ExternalQueryFacet(Struct):
    externalQueryId: str


Facet = TypeVar("Facet", bound=Struct)
_DECODERS: dict[type[Struct], msgspec.json.Decoder[Struct]] = {}


def read_facet(raw: Raw, shape: type[Facet]) -> Facet | None:
    """The facet, or None where it is absent, null or not of this shape."""
    if raw is NOTHING:
        return None
    decoder = _DECODERS.get(shape) or _DECODERS.setdefault(shape, msgspec.json.Decoder(shape))
    try:
        return decoder.decode(raw)  # type: ignore[return-value]  # one decoder per shape
    except msgspec.ValidationError:
        return None


def parents(raw: Raw) -> tuple[ParentReference | None, ParentReference | None]:
    """Parent and root of a run, from its `parent` facet."""
    facet = read_facet(raw, ParentFacet)
    if facet is None:
        return None, None
    root = read_facet(facet.root, _RunOfJob)
    return _reference(facet.run, facet.job), _reference(root.run, root.job) if root else None


def _reference(run: _RunId, job: _JobName) -> ParentReference:
    return ParentReference(
        run_id(storable(run.runId))[0],
        storable(job.namespace)[:MAX_TEXT_CHARACTERS],
        storable(job.name)[:MAX_TEXT_CHARACTERS],
    )


def nominal_times(raw: Raw) -> tuple[datetime | None, datetime | None]:
    if raw is NOTHING:
        return None, None
    facet = read_facet(raw, NominalTimeFacet)
    if facet is None:
        return None, None
    return time_or_none(facet.nominalStartTime), time_or_none(facet.nominalEndTime)


def error_message(raw: Raw) -> str | None:
    if raw is NOTHING:
        return None
    facet = read_facet(raw, ErrorMessageFacet)
    return storable(facet.message)[:MAX_ERROR_CHARACTERS] if facet else None


def external_query_id(raw: Raw) -> str:
    if raw is NOTHING:
        return ""
    facet = read_facet(raw, ExternalQueryFacet)
    return storable(facet.externalQueryId)[:MAX_TEXT_CHARACTERS] if facet else ""


def count_or_none(number: int | None) -> int | None:
    """Check a count; None as well for what no column of PostgreSQL's type integer holds."""
    return number if number is not None and 0 <= number < _INT4_MAX else None


def time_or_none(text: str | None) -> datetime | None:
    """None as well for what is no time."""
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
