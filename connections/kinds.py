"""The registry of connection types: what people may add, how pages show it, and which guide it starts with."""

from dataclasses import dataclass
from typing import Final

from django.db import models


class Type(models.TextChoices):
    """What is stored of a connection, and what forms and the API offer. The titles are those of the registry below."""

    AIRFLOW = "airflow", "Airflow with OpenLineage"
    DBT = "dbt", "dbt Core with OpenLineage"
    OPENLINEAGE = "openlineage", "Any OpenLineage producer"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of connection. `icon` names one of the sprite, `guide` is a guide's slug."""

    type: Type
    short_title: str
    # What it shows, in a line.
    hint: str
    icon: str
    guide: str
    # The integration of most of its jobs; empty: any.
    integration: str = ""

    @property
    def value(self) -> str:
        return self.type.value

    @property
    def title(self) -> str:
        return self.type.label


KINDS: Final = (
    Kind(Type.AIRFLOW, "Airflow", "DAGs and their tasks", "windmill", "airflow", "AIRFLOW"),
    Kind(Type.DBT, "dbt Core", "Models, tests, seeds and snapshots", "stack-2", "dbt", "DBT"),
    Kind(
        Type.OPENLINEAGE,
        "OpenLineage",
        "Spark, Flink, Dagster, or a client of your own",
        "topology-star-3",
        "openlineage-yml",
    ),
)
# What the form has chosen, and names to give as examples.
FIRST: Final = KINDS[0]
EXAMPLE_NAME: Final = f"{FIRST.short_title} production"
EXAMPLE_KEY_NAME: Final = f"{FIRST.short_title} scheduler"

_BY_VALUE: Final = {kind.value: kind for kind in KINDS}


def kind_of(value: str) -> Kind:
    """The kind of connections whose type has this value."""
    return _BY_VALUE[value]
