"""dbt Core: by itself, and run by Airflow."""

from web.guides.runners import AIRFLOW_PARSED, COSMOS, DBT
from web.guides.snippet import Snippet
from web.guides.values import SenderValues


def install(_: SenderValues) -> Snippet:
    return Snippet("install", "Shell, beside dbt and its adapter", "pip install openlineage-dbt", DBT)


def environment(values: SenderValues) -> Snippet:
    text = f"""\
export OPENLINEAGE_URL='{values.origin}'
export OPENLINEAGE_ENDPOINT='{values.path}'
export OPENLINEAGE_API_KEY='{values.key}'"""
    return Snippet("environment", "Environment of the shell or job that runs dbt", text, DBT)


def run(_: SenderValues) -> Snippet:
    return Snippet("run", "Shell, in the dbt project", "dbt-ol run", DBT)


def run_live(_: SenderValues) -> Snippet:
    return Snippet("live", "Shell, in the dbt project", "dbt-ol --consume-structured-logs run", DBT)


def airflow_key(values: SenderValues) -> Snippet:
    text = f"airflow variables set observatory_api_key '{values.key}'"
    return Snippet("key", "Shell, where Airflow is installed", text, AIRFLOW_PARSED)


def airflow_task(values: SenderValues) -> Snippet:
    text = f"""\
from airflow.providers.standard.operators.bash import BashOperator

dbt_run = BashOperator(
    task_id="dbt_run",
    bash_command="dbt-ol run --project-dir /opt/airflow/dbt",
    append_env=True,
    env={{
        "OPENLINEAGE_URL": "{values.origin}",
        "OPENLINEAGE_ENDPOINT": "{values.path}",
        "OPENLINEAGE_API_KEY": "{{{{ var.value.observatory_api_key }}}}",
        "OPENLINEAGE_PARENT_ID": "{{{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance) }}}}",
    }},
)"""
    return Snippet("task", "DAG file", text, AIRFLOW_PARSED)


def cosmos_install(_: SenderValues) -> Snippet:
    text = "pip install astronomer-cosmos apache-airflow-providers-openlineage"
    return Snippet("cosmos", "Shell", text, COSMOS)


def cosmos_dag(_: SenderValues) -> Snippet:
    text = """\
# Airflow reads a file only if it has the words airflow and dag.
from cosmos import DbtDag, ProfileConfig, ProjectConfig

shop = DbtDag(
    dag_id="shop",
    schedule="@daily",
    project_config=ProjectConfig("/opt/airflow/dbt"),
    profile_config=ProfileConfig(
        profile_name="shop",
        target_name="prod",
        profiles_yml_filepath="/opt/airflow/dbt/profiles.yml",
    ),
)"""
    return Snippet("cosmos_dag", "DAG file", text, COSMOS)
