"""Senders that follow the specification, but do not name the types of their jobs; also any unknown integration."""

from collections.abc import Iterator
from typing import Final

from connections.privacy import PrivacyClass
from lineage.events.facets import ExternalQueryFacet
from lineage.events.links import Link, link
from lineage.events.senders.sender import ReadFacet, Sender, Words

_KINDS: Final = {"TRINO": "SQL", "HIVE": "SQL", "GREAT_EXPECTATIONS": "TEST"}
# Flink's jobs stream by default, and a streaming job must not be shown as lost.
_PROCESSING_TYPES: Final = {"FLINK": "STREAMING"}


def _derived_type(integration: str, _name: str, _has_parent: bool) -> tuple[str, str]:
    return _KINDS.get(integration, "JOB"), _PROCESSING_TYPES.get(integration, "")


def _links(read: ReadFacet) -> Iterator[Link | None]:
    """Find links in the specification's facet of a query: some senders put the query's page into one of its fields."""
    query = read("externalQuery", ExternalQueryFacet)
    if query is not None:
        yield link("Query", query.externalQueryId)
        yield link("Query source", query.source)


GENERIC: Final = Sender(
    integrations={"FLINK": Words(title="Flink"), "HIVE": Words(title="Hive"), "TRINO": Words(title="Trino")},
    producers={
        "flink": "FLINK",
        "trino": "TRINO",
        "hive": "HIVE",
        "great_expectations": "GREAT_EXPECTATIONS",
        "dagster": "DAGSTER",
        "debezium": "DEBEZIUM",
    },
    private={
        PrivacyClass.SQL: (("run", "facets", "trino_metadata", "query_plan"),),
        PrivacyClass.ENVIRONMENT: tuple(
            ("run", "facets", name)
            for name in ("hive_properties", "hive_session", "debezium_config", "trino_query_context")
        ),
    },
    derived_type=_derived_type,
    links=_links,
)
