"""The guides: one for each sender that people connect."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connections.kinds import kind_of
from connections.models import Connection
from web.guides.snippet import Snippet
from web.guides.texts import airflow, dbt, java, python, shell
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
        airflow.install,
        airflow.environment,
        airflow.cfg,
        airflow.compose,
        airflow.secret,
        airflow.helm,
        airflow.terraform,
        airflow.terraform_key,
        airflow.terraform_mwaa,
        airflow.terraform_composer,
    ),
)
AIRFLOW_DBT = Guide(
    "airflow-dbt",
    "Airflow runs dbt Core",
    _each(dbt.airflow_key, dbt.install, dbt.airflow_task, dbt.cosmos_install, dbt.cosmos_dag),
)
DBT = Guide("dbt", "dbt Core", _each(dbt.install, dbt.environment, dbt.run, dbt.run_live))
OPENLINEAGE_YML = Guide(
    "openlineage-yml",
    "openlineage.yml",
    _each(python.openlineage_yml, python.openlineage_yml_async, java.openlineage_yml, java.trino_properties),
)
PYTHON = Guide("python", "Python", _each(python.install, python.program))
SPARK = Guide(
    "spark",
    "Spark",
    _each(java.spark_submit, java.spark_submit_scala_212, java.spark_defaults, java.spark_defaults_scala_212),
)
FLINK = Guide("flink", "Flink", _each(java.flink_config))
CURL = Guide("curl", "curl", shell.curl_events)

GUIDES = (AIRFLOW, AIRFLOW_DBT, DBT, OPENLINEAGE_YML, PYTHON, SPARK, FLINK, CURL)

_NAMED = {guide.slug: guide for guide in GUIDES}


def guide_for(connection: Connection) -> Guide:
    """The guide for connections of this type."""
    return _NAMED[kind_of(connection.type).guide]


def guide_named(slug: str, connection: Connection) -> Guide:
    """The guide that the URL names, or else the connection's own."""
    return _NAMED.get(slug) or guide_for(connection)
