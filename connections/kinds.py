"""The registry of connection types: what people may add, how pages show it, and which guide it starts with."""

from dataclasses import dataclass
from typing import Final

from django.db import models


class Type(models.TextChoices):
    """Connection types as the database stores them, and as forms and the API offer them, with their titles."""

    AIRFLOW = "airflow", "Airflow with OpenLineage"
    DBT = "dbt", "dbt Core with OpenLineage"
    OPENLINEAGE = "openlineage", "Any OpenLineage producer"


@dataclass(frozen=True, slots=True)
class Kind:
    """A connection type, as pages show it. `icon` is a name in the sprite, `guide` a guide's slug."""

    type: Type
    short_title: str
    # A line about what its pages show.
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
# The form's initial choice, and examples of names.
FIRST: Final = KINDS[0]
EXAMPLE_NAME: Final = f"{FIRST.short_title} production"
EXAMPLE_KEY_NAME: Final = f"{FIRST.short_title} scheduler"

_BY_VALUE: Final = {kind.value: kind for kind in KINDS}


def kind_of(value: str) -> Kind:
    """The kind of connections whose type has this value."""
    return _BY_VALUE[value]


def type_of_integration(integration: str) -> Type:
    """The type of a connection that is made for the jobs of an integration."""
    return next((kind.type for kind in KINDS if kind.integration == integration.upper() != ""), Type.OPENLINEAGE)
