"""The texts to copy. Each says where it goes; the guides' templates say why and when."""

from dataclasses import dataclass
from uuid import uuid4

from web.guides.values import SenderValues

# Of openlineage-spark: the newest at Maven Central, which `make test-clients` runs.
OPENLINEAGE_VERSION = "1.53.0"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy. `name` is its own among the snippets of its guide; `place` says where the text goes."""

    name: str
    place: str
    text: str


def airflow_install(_: SenderValues) -> Snippet:
    return Snippet("install", "Shell", "pip install apache-airflow-providers-openlineage")


def airflow_environment(values: SenderValues) -> Snippet:
    text = f"export AIRFLOW__OPENLINEAGE__TRANSPORT='{values.python_transport}'"
    return Snippet("environment", "Environment of the scheduler and the workers", text)


def airflow_cfg(values: SenderValues) -> Snippet:
    return Snippet("cfg", "airflow.cfg", f"[openlineage]\ntransport = {values.python_transport}")


def airflow_secret(values: SenderValues) -> Snippet:
    text = (
        "kubectl create secret generic observatory --namespace airflow \\\n"
        f"  --from-literal=transport='{values.python_transport}'"
    )
    return Snippet("secret", "Shell", text)


def airflow_helm(_: SenderValues) -> Snippet:
    text = """\
secret:
  - envName: AIRFLOW__OPENLINEAGE__TRANSPORT
    secretName: observatory
    secretKey: transport"""
    return Snippet("helm", "values.yaml of the official Helm chart", text)


def dbt_install(_: SenderValues) -> Snippet:
    return Snippet("install", "Shell, beside dbt and its adapter", "pip install openlineage-dbt")


def dbt_environment(values: SenderValues) -> Snippet:
    text = f"""\
export OPENLINEAGE_URL='{values.origin}'
export OPENLINEAGE_ENDPOINT='{values.path}'
export OPENLINEAGE_API_KEY='{values.key}'"""
    return Snippet("environment", "Environment of the shell or job that runs dbt", text)


def dbt_run(_: SenderValues) -> Snippet:
    return Snippet("run", "Shell, in the dbt project", "dbt-ol run")


def dbt_run_live(_: SenderValues) -> Snippet:
    return Snippet("live", "Shell, in the dbt project", "dbt-ol --consume-structured-logs run")


def openlineage_yml(values: SenderValues) -> Snippet:
    text = f"""\
transport:
  type: http
  url: "{values.origin}"
  endpoint: "{values.path}"
  auth:
    type: api_key
    apiKey: "{values.key}\""""
    return Snippet("yml", "openlineage.yml", text)


def openlineage_java_yml(values: SenderValues) -> Snippet:
    text = f"""\
transport:
  type: http
  url: "{values.endpoint_url}"
  auth:
    type: api_key
    apiKey: "{values.key}\""""
    return Snippet("java", "openlineage.yml for Java", text)


def trino_properties(values: SenderValues) -> Snippet:
    text = f"""\
event-listener.name=openlineage
openlineage-event-listener.trino.uri=http://trino.example.com:8080
openlineage-event-listener.transport.type=HTTP
openlineage-event-listener.transport.url={values.endpoint_url}
openlineage-event-listener.transport.api-key={values.key}"""
    return Snippet("trino", "etc/openlineage.properties of Trino", text)


def spark_submit(values: SenderValues) -> Snippet:
    text = f"""\
spark-submit \\
  --packages io.openlineage:openlineage-spark_2.12:{OPENLINEAGE_VERSION} \\
  --conf spark.extraListeners=io.openlineage.spark.agent.OpenLineageSparkListener \\
  --conf spark.openlineage.transport.type=http \\
  --conf spark.openlineage.transport.url='{values.endpoint_url}' \\
  --conf spark.openlineage.transport.auth.type=api_key \\
  --conf spark.openlineage.transport.auth.apiKey='{values.key}' \\
  your_job.py"""
    return Snippet("submit", "Shell", text)


def spark_defaults(values: SenderValues) -> Snippet:
    text = f"""\
spark.jars.packages                         io.openlineage:openlineage-spark_2.12:{OPENLINEAGE_VERSION}
spark.extraListeners                        io.openlineage.spark.agent.OpenLineageSparkListener
spark.openlineage.transport.type            http
spark.openlineage.transport.url             {values.endpoint_url}
spark.openlineage.transport.auth.type       api_key
spark.openlineage.transport.auth.apiKey     {values.key}"""
    return Snippet("defaults", "spark-defaults.conf", text)


def curl_events(values: SenderValues) -> list[Snippet]:
    """A run that starts and one that completes it, under a fresh run id; the shell writes the time."""
    run_id = str(uuid4())
    return [
        Snippet("start", "Shell: a run starts", _curl(values, "START", run_id)),
        Snippet("complete", "Shell: the same run completes", _curl(values, "COMPLETE", run_id)),
    ]


def _curl(values: SenderValues, event_type: str, run_id: str) -> str:
    return f"""\
curl --include '{values.endpoint_url}' \\
  --header 'Authorization: Bearer {values.key}' \\
  --header 'Content-Type: application/json' \\
  --data-binary @- <<EVENT
{{
  "eventType": "{event_type}",
  "eventTime": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "producer": "https://curl.se/",
  "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
  "run": {{"runId": "{run_id}"}},
  "job": {{"namespace": "hello", "name": "hello.curl"}}
}}
EVENT"""


def airflow_dbt_key(values: SenderValues) -> Snippet:
    return Snippet(
        "key", "Shell, where Airflow is installed", f"airflow variables set observatory_api_key '{values.key}'"
    )


def airflow_dbt_task(values: SenderValues) -> Snippet:
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
    return Snippet("task", "DAG file", text)


def airflow_dbt_cosmos(_: SenderValues) -> Snippet:
    return Snippet("cosmos", "Shell", "pip install astronomer-cosmos apache-airflow-providers-openlineage")
