"""Columns of datasets, found by words of their names in current schemas."""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

from lineage.datasets.facts import SeenFact, current_facts, read_contents
from lineage.datasets.schema import Column, columns_of
from lineage.events.dataset_facets import SCHEMA
from lineage.models import Dataset, Fact
from lineage.search.words import has_words

# Schemas with the words, and datasets with one of these, that are looked at: words such as `id` are in nearly all.
MOST_SCHEMAS: Final = 200
_MOST_DATASETS: Final = 500


class FoundDataset(NamedTuple):
    id: UUID
    namespace: str
    name: str


class FoundColumn(NamedTuple):
    """Column of a dataset. `path`: `address.city` for a field inside a column."""

    dataset: FoundDataset
    path: str
    type: str


def columns_in(
    content_ids: Collection[UUID], connection_ids: Collection[UUID], words: list[str], most: int
) -> list[FoundColumn]:
    """Return the columns with these words, of the datasets whose current schema is one of these. Four queries."""
    facts = Fact.objects.filter(connection_id__in=connection_ids, kind=SCHEMA)
    having = facts.filter(content_id__in=content_ids).values_list("subject_id", flat=True).distinct()
    current = _current_schemas(list(having[:_MOST_DATASETS]), connection_ids)
    found = {id_: content for id_, content in current.items() if content in content_ids}
    contents = read_contents(set(found.values()), connection_ids)
    columns = {id_: _with_words(contents.get(content, ""), words) for id_, content in found.items()}
    wanted = [id_ for id_, some in columns.items() if some]
    rows = Dataset.objects.filter(connection_id__in=connection_ids, id__in=wanted) if wanted else Dataset.objects.none()
    datasets = {row[0]: FoundDataset(*row) for row in rows.values_list("id", "namespace", "name")}
    hits = [
        FoundColumn(dataset, column.path, column.type) for id_, dataset in datasets.items() for column in columns[id_]
    ]
    text = "".join(words).lower()
    return sorted(hits, key=lambda hit: (not _is_called(hit.path, text), hit.dataset.name, hit.path))[:most]


def _current_schemas(ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return dataset id → content id of its current schema."""
    facts = Fact.objects.filter(connection_id__in=connection_ids, subject_id__in=ids, kind=SCHEMA)
    latest = facts.order_by("subject_id", "side", "-last_hour", "-first_at", "-content_id").distinct(
        "subject_id", "side"
    )
    of_subject: dict[UUID, list[SeenFact]] = {}
    for row in latest.values_list(*SeenFact._fields) if ids else ():
        fact = SeenFact(*row)
        of_subject.setdefault(fact.subject_id, []).append(fact)
    return {id_: current_facts(some)[SCHEMA].content_id for id_, some in of_subject.items()}


def _with_words(content: str, words: list[str]) -> list[Column]:
    return [column for column in columns_of(content) if has_words(column.name, words)]


def _is_called(path: str, text: str) -> bool:
    name = path.rpartition(".")[2].lower()
    return "".join(letter for letter in name if letter.isalnum()) == text
