"""The guides: one for each sender that people connect."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connections.kinds import kind_of
from connections.models import Connection
from web.guides import snippets
from web.guides.snippets import Snippet
from web.guides.values import SenderValues


@dataclass(frozen=True, slots=True)
class Guide:
    """`slug` names it in URLs and is its template's name; `snippets` makes what its reader copies."""

    slug: str
    title: str
    make_snippets: Callable[[SenderValues], Iterable[Snippet]]

    @property
    def template(self) -> str:
        return f"connections/guides/{self.slug}.html"

    def snippets(self, values: SenderValues) -> dict[str, Snippet]:
        """Name → text with these values."""
        return {snippet.name: snippet for snippet in self.make_snippets(values)}


def _each(*make: Callable[[SenderValues], Snippet]) -> Callable[[SenderValues], Iterable[Snippet]]:
    return lambda values: [one(values) for one in make]


AIRFLOW = Guide(
    "airflow",
    "Airflow",
    _each(
        snippets.airflow_install,
        snippets.airflow_environment,
        snippets.airflow_cfg,
        snippets.airflow_secret,
        snippets.airflow_helm,
    ),
)
AIRFLOW_DBT = Guide(
    "airflow-dbt",
    "Airflow runs dbt Core",
    _each(
        snippets.airflow_dbt_key,
        snippets.dbt_install,
        snippets.airflow_dbt_task,
        snippets.airflow_dbt_cosmos,
    ),
)
DBT = Guide(
    "dbt",
    "dbt Core",
    _each(
        snippets.dbt_install,
        snippets.dbt_environment,
        snippets.dbt_run,
        snippets.dbt_run_live,
    ),
)
OPENLINEAGE_YML = Guide(
    "openlineage-yml",
    "openlineage.yml",
    _each(snippets.openlineage_yml, snippets.openlineage_java_yml, snippets.trino_properties),
)
SPARK = Guide("spark", "Spark", _each(snippets.spark_submit, snippets.spark_defaults))
CURL = Guide("curl", "curl", snippets.curl_events)

GUIDES = (AIRFLOW, AIRFLOW_DBT, DBT, OPENLINEAGE_YML, SPARK, CURL)

_NAMED = {guide.slug: guide for guide in GUIDES}


def guide_for(connection: Connection) -> Guide:
    """The guide for connections of this type."""
    return _NAMED[kind_of(connection.type).guide]


def guide_named(slug: str, connection: Connection) -> Guide:
    """The guide that the URL names, or else the connection's own."""
    return _NAMED.get(slug) or guide_for(connection)
