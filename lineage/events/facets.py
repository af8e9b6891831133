"""Facets of runs that become columns. A broken part of a facet is left out; it never rejects its event.

Shapes are the OpenLineage specification's, under its names. Sender-specific facets are in lineage/events/senders.
"""

from datetime import datetime
from typing import Annotated, TypeVar, cast

import msgspec
from msgspec import Meta, Raw, Struct

from lineage.events.decoders import decoder_of
from lineage.events.errors import ErrorFacet, run_error
from lineage.events.event import ParentReference
from lineage.events.identity import run_id
from lineage.events.parts import Report, ignore, read_parts
from lineage.events.text import parse_time, storable

NOTHING = Raw(b"null")
MAX_ERROR_CHARACTERS = 8192
# Longer texts are cut in columns; the stored event keeps them whole.
MAX_TEXT_CHARACTERS = 2048
# No known orchestrator uses longer names for its runs.
MAX_ORCHESTRATOR_RUN_ID_CHARACTERS = 250
_INT4_MAX = 2**31 - 1


class RunFacets(Struct):
    """Run facets of the specification, undecoded. The type that events are decoded to has the senders' own facets,
    too."""

    parent: Raw = NOTHING
    # Old name of `parent`, which old senders use.
    parentRun: Raw = NOTHING
    nominalTime: Raw = NOTHING
    errorMessage: Raw = NOTHING
    externalQuery: Raw = NOTHING
    test: Raw = NOTHING
    lineage: Raw = NOTHING
    extractionError: Raw = NOTHING
    jobDependencies: Raw = NOTHING


NonEmpty = Annotated[str, Meta(min_length=1)]


class _JobName(Struct):
    namespace: NonEmpty
    name: NonEmpty


class _RunId(Struct):
    runId: NonEmpty


class _RunOfJob(Struct):
    run: _RunId
    job: _JobName


class ParentFacet(Struct):
    run: _RunId
    job: _JobName
    root: Raw = NOTHING


class RootFacet(Struct):
    """Root in the facet `parent`, which is read by itself: the parent may be broken, or the root."""

    root: _RunOfJob | None = None


class NominalTimeFacet(Struct):
    nominalStartTime: str | None = None
    nominalEndTime: str | None = None


class ExternalQueryFacet(Struct):
    externalQueryId: str
    source: str | None = None


Shape = TypeVar("Shape")


def read_facet(raw: Raw, shape: type[Shape], report: Report = ignore, path: str = "") -> Shape | None:
    """Decode a facet or a part of one. None if it is absent, null or unusable.

    Bad parts of it are left out; `report` gets each of them, with its path below `path`.
    """
    if raw is NOTHING:
        return None
    try:
        return decoder_of(shape).decode(raw)
    except (msgspec.ValidationError, RecursionError):
        return cast(Shape | None, read_parts(raw, shape, report, path))


def parents(facets: RunFacets) -> tuple[ParentReference | None, ParentReference | None]:
    """Return parent and root of a run, from its facet `parent`, else from `parentRun`."""
    if facets.parentRun is NOTHING:
        return _parents(facets.parent)
    parent, root = _parents(facets.parent)
    old_parent, old_root = _parents(facets.parentRun)
    return parent or old_parent, root or old_root


def _parents(raw: Raw) -> tuple[ParentReference | None, ParentReference | None]:
    if raw is NOTHING:
        return None, None
    facet = read_facet(raw, ParentFacet)
    if facet is None:
        lone = read_facet(raw, RootFacet)
        return None, _reference(lone.root.run, lone.root.job) if lone and lone.root else None
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
    error = run_error(read_facet(raw, ErrorFacet))
    return error.message[:MAX_ERROR_CHARACTERS] if error else None


def external_query_id(raw: Raw) -> str:
    if raw is NOTHING:
        return ""
    facet = read_facet(raw, ExternalQueryFacet)
    return storable(facet.externalQueryId)[:MAX_TEXT_CHARACTERS] if facet else ""


def count_or_none(number: int | None) -> int | None:
    """Return a count, or None if it is negative or too large for PostgreSQL's type integer."""
    return number if number is not None and 0 <= number < _INT4_MAX else None


def time_or_none(text: str | None) -> datetime | None:
    """Parse a time. None if there is no valid one."""
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
