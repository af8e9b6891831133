"""Reads the names of columns of the datasets of a graph."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from lineage.datasets.facts import SeenFact, current_facts, read_contents
from lineage.datasets.schema import columns_of
from lineage.events.dataset_facets import SCHEMA
from lineage.models import Fact


def read_column_names(
    names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], at: datetime
) -> dict[UUID, list[str]]:
    """Read the columns that each dataset had, in the order of its schema. `names`: dataset → the ids of all its names.
    Fields inside columns are left out. Two queries."""
    subjects = {name for of_one in names.values() for name in of_one}
    facts = Fact.objects.filter(
        connection_id__in=connection_ids, subject_id__in=subjects, kind=SCHEMA, first_at__lte=at
    )
    latest = facts.order_by("subject_id", "side", "-last_hour", "-first_at", "-content_id").distinct(
        "subject_id", "side"
    )
    seen: dict[UUID, list[SeenFact]] = {}
    for row in latest.values_list(*SeenFact._fields):
        fact = SeenFact(*row)
        seen.setdefault(fact.subject_id, []).append(fact)
    current = {
        dataset: current_facts(fact for name in of_one for fact in seen.get(name, ())).get(SCHEMA)
        for dataset, of_one in names.items()
    }
    contents = read_contents([fact.content_id for fact in current.values() if fact], connection_ids)
    return {
        dataset: [column.name for column in columns_of(contents.get(fact.content_id, "")) if not column.depth]
        for dataset, fact in current.items()
        if fact
    }
