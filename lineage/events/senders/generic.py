"""Senders that keep to the specification, but for naming the types of their jobs. Any integration that no other room
claims is here, too."""

from typing import Final

from lineage.events.senders.sender import Sender, Words

_KINDS: Final = {"TRINO": "SQL", "HIVE": "SQL", "GREAT_EXPECTATIONS": "TEST"}
# Flink's jobs stream unless they are told otherwise: one that does must not be taken for lost.
_PROCESSING_TYPES: Final = {"FLINK": "STREAMING"}


def _derived_type(integration: str, _name: str, _has_parent: bool) -> tuple[str, str]:
    return _KINDS.get(integration, "JOB"), _PROCESSING_TYPES.get(integration, "")


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
    derived_type=_derived_type,
)
