"""Current facts of datasets: schema, documentation, owners, tags, storage, catalog, source."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from lineage.datasets.schema import Column, SchemaChange, SeenSchema, columns_of, history
from lineage.events.dataset_facets import SCHEMA
from lineage.models import Content, Fact

# Schemas of one dataset whose differences are shown, the latest ones.
MOST_SCHEMAS: Final = 100


class SeenFact(NamedTuple):
    kind: str
    side: str
    subject_id: UUID
    content_id: UUID
    first_at: datetime
    last_hour: datetime

    @property
    def is_of_reader(self) -> bool:
        return self.side == Fact.Side.READS


class Owner(NamedTuple):
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Description:
    """Facts of a dataset in words. Empty: events say nothing."""

    documentation: str = ""
    owners: list[Owner] = field(default_factory=list)
    # `key:value`, or the key alone.
    tags: list[str] = field(default_factory=list)
    # Path of a column → its tags.
    column_tags: dict[str, list[str]] = field(default_factory=dict)
    # Such as `VIEW`.
    type: str = ""
    # Such as `iceberg, parquet`.
    storage: str = ""
    catalog: str = ""
    # Name and address of the database.
    source: str = ""
    # True: events say more of it than where it is.
    is_described: bool = False


def current_facts(facts: Iterable[SeenFact]) -> dict[str, SeenFact]:
    """Return kind → the fact that counts: the last one, and one of a reader only if no other says anything, because
    a reader may name only the columns that it reads."""
    found: dict[str, SeenFact] = {}
    for fact in facts:
        known = found.get(fact.kind)
        if known is None or _rank(fact) > _rank(known):
            found[fact.kind] = fact
    return found


def _rank(fact: SeenFact) -> tuple[bool, datetime, datetime, UUID]:
    return not fact.is_of_reader, fact.last_hour, fact.first_at, fact.content_id


_COLUMNS: Final = SeenFact._fields


def read_current_facts(ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[str, SeenFact]:
    """Read the current facts of a dataset; `ids`: of all its names. One query."""
    facts = Fact.objects.filter(connection_id__in=connection_ids, subject_id__in=ids)
    latest = facts.order_by("kind", "side", "-last_hour", "-first_at", "-content_id").distinct("kind", "side")
    return current_facts(SeenFact(*row) for row in latest.values_list(*_COLUMNS))


def read_schemas(current: SeenFact | None, connection_ids: Collection[UUID]) -> list[SeenSchema]:
    """Read the schemas that the name and the side of the current one had. Other names and sides write types in their
    own words, which are no changes. One query."""
    if current is None:
        return []
    facts = Fact.objects.filter(
        connection_id__in=connection_ids, subject_id=current.subject_id, kind=SCHEMA, side=current.side
    ).order_by("-first_at", "-content_id")
    found: dict[UUID, SeenSchema] = {}
    for row in facts.values_list("content_id", "first_at", "last_hour")[:MOST_SCHEMAS]:
        one = SeenSchema(*row)
        known = found.get(one.content_id, one)
        first, last = min(known.first_at, one.first_at), max(known.last_hour, one.last_hour)
        found[one.content_id] = SeenSchema(one.content_id, first, last)
    return list(found.values())


def read_contents(ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return id → content. One query."""
    rows = Content.objects.filter(connection_id__in=connection_ids, id__in=set(ids)) if ids else Content.objects.none()
    return dict(rows.values_list("id", "body"))


def changes_of_schema(schemas: Sequence[SeenSchema], contents: dict[UUID, str]) -> list[SchemaChange]:
    columns = {one.content_id: columns_of(contents.get(one.content_id, "")) for one in schemas}
    return history(schemas, columns)


def columns_now(current: dict[str, SeenFact], contents: dict[UUID, str]) -> list[Column]:
    fact = current.get(SCHEMA)
    return columns_of(contents.get(fact.content_id, "")) if fact else []


def description_of(current: dict[str, SeenFact], contents: dict[UUID, str]) -> Description:
    """Put the contents of the current facts together."""
    said = {kind: content for kind, fact in current.items() if (content := contents.get(fact.content_id))}
    decoded: dict[str, Any] = {kind: msgspec.json.decode(text) for kind, text in said.items() if kind != SCHEMA}

    def of(kind: str, *names: str) -> str:
        values = [str(value) for name in names if (value := decoded.get(kind, {}).get(name))]
        return ", ".join(dict.fromkeys(values))

    tags = decoded.get("tags", {}).get("tags") or ()
    column_tags: dict[str, list[str]] = {}
    for tag in tags:
        if tag.get("field"):
            column_tags.setdefault(tag["field"], []).append(_tag(tag))
    return Description(
        documentation=of("documentation", "description"),
        owners=[Owner(one["name"], one.get("type") or "") for one in decoded.get("ownership", {}).get("owners") or ()],
        tags=[_tag(tag) for tag in tags if not tag.get("field")],
        column_tags=column_tags,
        type=of("type", "datasetType", "subType"),
        storage=of("storage", "storageLayer", "fileFormat"),
        catalog=of("catalog", "framework", "type", "name"),
        source=of("datasource", "name", "uri"),
        is_described=any(kind not in ("datasource", "catalog") for kind in said),
    )


def _tag(tag: dict[str, Any]) -> str:
    """`key:value`, or the key alone if the value adds nothing."""
    key, value = tag["key"], tag.get("value")
    return key if value in (None, "", True, "true", key) else f"{key}:{value}"
