"""Origins of columns: the columns from which a dataset's writers make each of its columns."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings

from lineage.datasets.aliases import Names, read_names
from lineage.datasets.facts import SeenFact, current_facts, read_contents
from lineage.events.column_lineage import DIRECT, Columns, Source, columns_of_content
from lineage.events.dataset_facets import COLUMNS
from lineage.events.explicit_lineage import LINEAGE, columns_of, explicit_of_content
from lineage.events.identity import dataset_id
from lineage.models import Dataset, Fact

# Writers whose columns are read, and sources that are listed for one column.
MOST_WRITERS: Final = 50
MOST_SOURCES: Final = 20

SAME, SAME_NAME, RENAMED, COMPUTED, PERHAPS_RENAMED = "same", "same name", "renamed", "computed", "renamed or computed"
_INDIRECT: Final = {
    "FILTER": "filtered by",
    "JOIN": "joined by",
    "GROUP_BY": "grouped by",
    "SORT": "sorted by",
    "WINDOW": "windowed by",
    "CONDITIONAL": "chosen by",
}
_OTHERWISE: Final = "influenced by"


class SourceColumn(NamedTuple):
    """Column of a dataset, under the main name of that."""

    dataset_id: UUID
    namespace: str
    dataset: str
    column: str


@dataclass(frozen=True, slots=True)
class Influence:
    """Columns that decide which rows a column is made of, or their order. `how`: `filtered by`."""

    how: str
    sources: list[SourceColumn]


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of a column: the columns that its values come from, and `how`: `renamed`. `more`: sources not listed."""

    sources: list[SourceColumn]
    how: str
    influences: list[Influence]
    more: int = 0

    @property
    def is_known(self) -> bool:
        return bool(self.sources or self.influences)


@dataclass(frozen=True, slots=True)
class Origins:
    """Origins by column. `of_all`: what decides about all columns, such as a filter on rows."""

    columns: dict[str, Origin]
    of_all: list[Influence]


Resolve = Mapping[tuple[str, str], SourceColumn]


def merged(contents: Iterable[Columns]) -> Columns:
    """Join what several writers say of the columns of one dataset."""
    fields: dict[str, set[Source]] = {}
    of_all: set[Source] = set()
    for columns in contents:
        of_all |= set(columns.dataset)
        for name, sources in columns.fields.items():
            fields.setdefault(name, set()).update(sources)
    return Columns({name: sorted(sources) for name, sources in fields.items()}, sorted(of_all))


def origins_of(columns: Columns, resolve: Resolve) -> Origins:
    """`resolve`: (namespace, name) → the dataset under its main name, without a column."""
    return Origins(
        {name: _origin(name, sources, resolve) for name, sources in columns.fields.items()},
        _influences(columns.dataset, resolve),
    )


def _origin(column: str, sources: Collection[Source], resolve: Resolve) -> Origin:
    direct = [source for source in sources if source.type == DIRECT]
    found = _columns(direct, resolve)
    return Origin(
        found[:MOST_SOURCES],
        _how(column, direct, found),
        _influences([source for source in sources if source.type != DIRECT], resolve),
        max(0, len(found) - MOST_SOURCES),
    )


def _how(column: str, direct: Collection[Source], found: Collection[SourceColumn]) -> str:
    """Say how a column is made of its sources, as far as the sender said it."""
    subtypes = {source.subtype for source in direct}
    names = {source.column for source in found}
    if not found:
        return ""
    if subtypes - {"", "IDENTITY"} or len(found) > 1:
        return COMPUTED
    is_same = names == {column}
    if subtypes == {"IDENTITY"}:
        return SAME if is_same else RENAMED
    return SAME_NAME if is_same else PERHAPS_RENAMED


def _influences(sources: Iterable[Source], resolve: Resolve) -> list[Influence]:
    by_word: dict[str, list[Source]] = {}
    for source in sources:
        by_word.setdefault(_INDIRECT.get(source.subtype, _OTHERWISE), []).append(source)
    words = [*_INDIRECT.values(), _OTHERWISE]
    return [
        Influence(word, _columns(by_word[word], resolve)[:MOST_SOURCES]) for word in sorted(by_word, key=words.index)
    ]


def _columns(sources: Iterable[Source], resolve: Resolve) -> list[SourceColumn]:
    """Return each source once: two names of one dataset are one."""
    found = {resolve[source.namespace, source.name]._replace(column=source.field): None for source in sources}
    return sorted(found, key=lambda one: (one.dataset, one.column, one.dataset_id))


def read_origins(edge_ids: Collection[UUID], connection_ids: Collection[UUID]) -> Origins:
    """Read the origins of the columns that the edges of the writers say. Two queries, and two for names of
    sources."""
    kinds = [COLUMNS, LINEAGE] if settings.EXPLICIT_LINEAGE else [COLUMNS]
    rows = Fact.objects.filter(
        connection_id__in=connection_ids, subject_id__in=list(edge_ids)[:MOST_WRITERS], kind__in=kinds
    )
    key = ("subject_id", "kind", "side")
    latest = rows.order_by(*key, "-last_hour", "-first_at", "-content_id").distinct(*key)
    of_edge: dict[UUID, list[SeenFact]] = {}
    for row in latest.values_list(*SeenFact._fields):
        of_edge.setdefault(row[2], []).append(SeenFact(*row))
    current = [current_facts(facts) for facts in of_edge.values()]
    contents = read_contents([fact.content_id for facts in current for fact in facts.values()], connection_ids)
    columns = merged(_columns_said(facts, contents) for facts in current)
    return origins_of(columns, _resolve(columns, connection_ids))


def _columns_said(facts: Mapping[str, SeenFact], contents: Mapping[UUID, str]) -> Columns:
    """Return the sources of columns that are written through one edge."""
    texts = {kind: text.encode() for kind, fact in facts.items() if (text := contents.get(fact.content_id))}
    columns = columns_of_content(texts[COLUMNS]) if COLUMNS in texts else None
    if LINEAGE in texts:
        return columns_of(explicit_of_content(texts[LINEAGE]), columns)
    return columns or Columns({}, [])


def _resolve(columns: Columns, connection_ids: Collection[UUID]) -> Resolve:
    sources = {source[:2] for of_one in (*columns.fields.values(), columns.dataset) for source in of_one}
    ids = {name: dataset_id(*name) for name in sources}
    names: Mapping[UUID, Names] = read_names(set(ids.values()), connection_ids) if ids else {}
    main = {id_: one.main for id_, one in names.items() if one.main != id_}
    rows = Dataset.objects.filter(connection_id__in=connection_ids, id__in=set(main.values()))
    named = {row[0]: (row[1], row[2]) for row in rows.values_list("id", "namespace", "name")} if main else {}
    found = {}
    for name, id_ in ids.items():
        known = main.get(id_, id_)
        found[name] = SourceColumn(known, *named[known], "") if known in named else SourceColumn(id_, *name, "")
    return found
