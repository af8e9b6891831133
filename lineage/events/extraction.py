"""Facet `extractionError`: statements of which the sender could not say what they read and write. Pure."""

from typing import Annotated, Any, Final

from msgspec import Meta, Raw, Struct

from lineage.events.event import Extraction
from lineage.events.facets import NOTHING, read_facet

EXTRACTION_ERROR: Final = "extractionError"
_Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class ExtractionErrorFacet(Struct):
    totalTasks: _Count | None = None
    failedTasks: _Count | None = None
    # Old names of the two.
    totalElements: _Count | None = None
    failedElements: _Count | None = None
    errors: list[Any] | None = None


def extraction_of(*facets: Raw) -> Extraction | None:
    """Read the facet of a run or of its job, the first that is there. None: everything was extracted."""
    raw = next((one for one in facets if one is not NOTHING), NOTHING)
    facet = read_facet(raw, ExtractionErrorFacet)
    if facet is None:
        return None
    failed = next(
        (one for one in (facet.failedTasks, facet.failedElements) if one is not None), len(facet.errors or ())
    )
    total = facet.totalTasks or facet.totalElements or 0
    return Extraction(failed, max(total, failed) if total else 0) if failed else None


def in_short(extraction: Extraction) -> str:
    """Return `incomplete: 2 of 5`."""
    return f"incomplete: {extraction.failed:,}" + (f" of {extraction.total:,}" if extraction.total else "")


def in_words(extraction: Extraction) -> str:
    """Return `incomplete: 2 of 5 statements`."""
    return f"{in_short(extraction)} statement{'' if (extraction.total or extraction.failed) == 1 else 's'}"
