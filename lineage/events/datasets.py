"""Reader of all that one event says of a dataset beside its name: facts, changes, counts, results of assertions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Raw

from lineage.events.assertions import Assertion
from lineage.events.column_lineage import source_datasets
from lineage.events.dataset_facets import (
    COLUMNS,
    DatasetFacets,
    UseFacets,
    assertions_of,
    change_of,
    describes,
    facts_of,
    measure_of,
    symlinks_of,
)
from lineage.events.event import Check, DatasetFact, DatasetSaid
from lineage.events.explicit_lineage import stated_of_dataset
from lineage.events.facets import NOTHING, read_facet
from lineage.events.text import storable

# Longer texts of a check are cut; the stored event keeps them whole.
MAX_CHARACTERS: Final = 200
_EMPTY_OBJECTS: Final = (b"{}", b"null")
_NO_FACETS: Final = DatasetFacets()
_NO_USE: Final = UseFacets()
_NOTHING_SAID: Final = DatasetSaid()


def said_of(facets: Raw, *use_facets: Raw) -> tuple[bool, DatasetSaid | None]:
    """Return whether an event says more of a dataset than where it is, and what it says; None: nothing.

    `use_facets`: the facets of its use as an input and as an output.
    """
    found = _NO_FACETS if _is_empty(facets) else read_facet(facets, DatasetFacets) or _NO_FACETS
    use = next((raw for raw in use_facets if not _is_empty(raw)), NOTHING)
    of_use = _NO_USE if use is NOTHING else read_facet(use, UseFacets) or _NO_USE
    if found is _NO_FACETS and of_use is _NO_USE:
        return False, None
    facts, columns, change = facts_of(found), found.columnLineage, change_of(found.lifecycleStateChange)
    said = DatasetSaid(
        facts=facts,
        columns=None if columns is NOTHING else DatasetFact(COLUMNS, columns),
        sources=() if columns is NOTHING else source_datasets(columns),
        lineage=None if found.lineage is NOTHING else stated_of_dataset(found.lineage),
        symlinks=symlinks_of(found.symlinks),
        change=change[0] if change else None,
        previous=change[1] if change else None,
        measure=measure_of(found, of_use),
        checks=_checks(assertions_of(found, of_use)),
    )
    return describes(facts, found), None if said == _NOTHING_SAID else said


def _is_empty(raw: Raw) -> bool:
    return raw is NOTHING or bytes(memoryview(raw)[:4]) in _EMPTY_OBJECTS


def _checks(assertions: Sequence[Assertion]) -> tuple[Check, ...]:
    if not assertions:
        return ()
    counts: Counter[tuple[str, str, str]] = Counter()
    checks = []
    for one in assertions:
        names = _text(one.column), _text(one.assertion), _text(one.name)
        position, counts[names] = counts[names], counts[names] + 1
        checks.append(
            Check(
                *names,
                position,
                failed=not one.success,
                has_result=not one.has_no_result,
                severity=_text(one.severity),
                expected=_text(one.expected),
                actual=_text(one.actual),
            )
        )
    return tuple(checks)


def _text(value: Any) -> str:
    return "" if value is None else storable(str(value))[:MAX_CHARACTERS]
