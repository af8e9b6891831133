"""Makes the rows of the lineage tables from what one event says of a dataset."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from lineage.events.dataset_facets import SCHEMA, content_of, names_of_columns
from lineage.events.event import DatasetFact, DatasetSaid, Extraction
from lineage.events.identity import (
    alias_row_id,
    change_row_id,
    check_row_id,
    content_id,
    dataset_id,
    extraction_row_id,
    fact_row_id,
    measure_row_id,
    relation_row_id,
)
from lineage.rows.tables import ALIAS, CHANGE, CHECK, EXTRACTION, FACT, MEASURE, RELATION, Row, Table

NIL: Final = UUID(int=0)
# Side of the facts of a DatasetEvent; those of other events are of a read or a write.
OF_DATASET: Final = "DATASET"
READS: Final = "READS"
# Kinds of relations: between datasets, and between jobs.
DERIVED: Final = "DERIVED"
DEPENDS: Final = "DEPENDS"
Key = tuple[UUID, UUID]


class Subject(NamedTuple):
    """Dataset of which an event speaks, and the edge and the run through which it does. None: a DatasetEvent, or a
    JobEvent."""

    connection_id: UUID
    dataset_id: UUID
    direction: str | None
    edge_id: UUID | None
    run_id: UUID | None
    at: datetime


class FactKey(NamedTuple):
    """A fact by the hash of its facet, because most facets were seen before and need not be decoded."""

    connection_id: UUID
    subject_id: UUID
    kind: str
    side: str
    hashed: int

    @classmethod
    def of(cls, by: Subject, subject_id: UUID, fact: DatasetFact) -> "FactKey":
        side = by.direction or OF_DATASET
        return cls(by.connection_id, subject_id, fact.kind, side, hash(bytes(fact.raw)))


class SeenFact(NamedTuple):
    """Facet, undecoded, with the time of the first event that has it, and the hour of the last one."""

    fact: DatasetFact
    first_at: datetime
    last_hour: datetime


@dataclass(slots=True)
class DatasetRows:
    """Rows of the lineage tables, by key."""

    facts: dict[FactKey, SeenFact] = field(default_factory=dict)
    aliases: dict[Key, Row] = field(default_factory=dict)
    changes: dict[Key, Row] = field(default_factory=dict)
    measures: dict[Key, Row] = field(default_factory=dict)
    checks: dict[Key, Row] = field(default_factory=dict)
    relations: dict[Key, Row] = field(default_factory=dict)
    extractions: dict[Key, Row] = field(default_factory=dict)

    def always_written(self) -> tuple[tuple[Table, dict[Key, Row]], ...]:
        """Return the tables whose rows nobody remembers, and their rows: each run has its own, or they are rare."""
        return (
            *((CHANGE, self.changes), (MEASURE, self.measures), (CHECK, self.checks)),
            *((RELATION, self.relations), (EXTRACTION, self.extractions)),
        )


def add_said(rows: DatasetRows, subject: Subject, said: DatasetSaid) -> None:
    """Add what an event says of a dataset."""
    hour = hour_of(subject.at)
    for fact in said.facts:
        _add_fact(rows, FactKey.of(subject, subject.dataset_id, fact), fact, subject.at)
    if said.columns and subject.edge_id:
        _add_fact(rows, FactKey.of(subject, subject.edge_id, said.columns), said.columns, subject.at)
    if said.lineage and subject.direction != READS:
        of = subject.edge_id or subject.dataset_id
        _add_fact(rows, FactKey.of(subject, of, said.lineage.fact), said.lineage.fact, subject.at)
        if subject.direction is None:
            for source in said.lineage.sources:
                add_relation(rows, subject.connection_id, DERIVED, (dataset_id(*source), subject.dataset_id), hour)
    for namespace, name, kind in said.symlinks:
        _add_alias(rows, subject, dataset_id(namespace, name), kind, hour)
    if said.change:
        _add_change(rows, subject, said.change, said.previous)
    if subject.run_id:
        _add_results(rows, subject, subject.run_id, said)


def add_relation(rows: DatasetRows, connection_id: UUID, kind: str, ends: tuple[UUID, UUID], hour: datetime) -> None:
    """Add a relation. `ends`: its source and its target."""
    if ends[0] != ends[1]:
        key = (connection_id, relation_row_id(kind, *ends))
        RELATION.add(rows.relations, key, (*key, kind, *ends, hour, hour))


def add_extraction(rows: DatasetRows, connection_id: UUID, run: UUID, extraction: Extraction, at: datetime) -> None:
    key = (connection_id, extraction_row_id(run))
    EXTRACTION.add(rows.extractions, key, (*key, run, at, *extraction))


def hour_of(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _add_fact(rows: DatasetRows, key: FactKey, fact: DatasetFact, at: datetime) -> None:
    seen, hour = rows.facts.get(key), hour_of(at)
    if seen is None:
        rows.facts[key] = SeenFact(fact, at, hour)
    else:
        rows.facts[key] = SeenFact(fact, min(seen.first_at, at), max(seen.last_hour, hour))


def _add_alias(rows: DatasetRows, subject: Subject, alias: UUID, kind: str, hour: datetime) -> None:
    if alias == subject.dataset_id:
        return
    key = (subject.connection_id, alias_row_id(subject.dataset_id, alias))
    ALIAS.add(rows.aliases, key, (*key, subject.dataset_id, alias, kind, hour, hour))


def _add_change(rows: DatasetRows, subject: Subject, change: str, previous: tuple[str, str] | None) -> None:
    run, before = subject.run_id or NIL, dataset_id(*previous) if previous else None
    key = (subject.connection_id, change_row_id(run, subject.dataset_id, change, before or NIL))
    CHANGE.add(rows.changes, key, (*key, run, subject.dataset_id, change, before, subject.at))


def _add_results(rows: DatasetRows, subject: Subject, run: UUID, said: DatasetSaid) -> None:
    """Add what the event counts in the dataset, and the results of assertions."""
    of = (run, subject.dataset_id)
    if said.measure and subject.direction:
        key = (subject.connection_id, measure_row_id(run, subject.dataset_id, subject.direction))
        MEASURE.add(rows.measures, key, (*key, *of, subject.direction, subject.at, *said.measure))
    for check in said.checks:
        key = (subject.connection_id, check_row_id(run, subject.dataset_id, check[:3], check.position))
        CHECK.add(rows.checks, key, (*key, *of, *check[:3], subject.at, *check[4:]))


def fact_rows(seen: dict[FactKey, SeenFact]) -> tuple[dict[Key, Row], dict[Key, Row]]:
    """Decode facts. Returns the rows of their contents and their own rows. What cannot be read has none."""
    contents: dict[Key, Row] = {}
    facts: dict[Key, Row] = {}
    for key, one in seen.items():
        content = content_of(one.fact)
        if content is None:
            continue
        id_ = content_id(content)
        names = names_of_columns(content) if key.kind == SCHEMA else ""
        contents[key.connection_id, id_] = (key.connection_id, id_, content, names)
        row_id = (key.connection_id, fact_row_id(key.subject_id, key.kind, key.side, id_))
        row = (*row_id, key.subject_id, key.kind, key.side, id_, one.first_at, one.last_hour)
        FACT.add(facts, row_id, row)
    return contents, facts
