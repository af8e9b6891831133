"""Java clients: any of them, Spark's listener, Flink's, Trino's."""

from web.guides.runners import FLINK, JAVA, JAVA_VERSION, SPARK, SPARK_SCALA_212, TRINO, Runner
from web.guides.snippet import Snippet
from web.guides.values import SenderValues


def openlineage_yml(values: SenderValues) -> Snippet:
    text = f"""\
transport:
  type: http
  url: "{values.endpoint_url}"
  auth:
    type: api_key
    apiKey: "{values.key}\""""
    return Snippet("java", "openlineage.yml for Java", text, JAVA)


def trino_properties(values: SenderValues) -> Snippet:
    text = f"""\
event-listener.name=openlineage
openlineage-event-listener.trino.uri=http://trino.example.com:8080
openlineage-event-listener.transport.type=HTTP
openlineage-event-listener.transport.url={values.endpoint_url}
openlineage-event-listener.transport.api-key={values.key}"""
    return Snippet("trino", "etc/openlineage.properties of Trino", text, TRINO)


def flink_config(values: SenderValues) -> Snippet:
    text = f"""\
execution.job-status-changed-listeners: io.openlineage.flink.listener.OpenLineageJobStatusChangedListenerFactory
openlineage.enableDetachedJobTracking: true
openlineage.transport.type: http
openlineage.transport.url: {values.endpoint_url}
openlineage.transport.auth.type: api_key
openlineage.transport.auth.apiKey: {values.key}"""
    return Snippet("config", f"conf/config.yaml, with openlineage-flink-{JAVA_VERSION}.jar in lib/", text, FLINK)


def spark_submit(values: SenderValues) -> Snippet:
    return Snippet("submit", "Shell: Spark 4, or 3 with Scala 2.13", _submit(values, "2.13"), SPARK)


def spark_submit_scala_212(values: SenderValues) -> Snippet:
    return Snippet("submit_212", "Shell: Spark 3 with Scala 2.12", _submit(values, "2.12"), SPARK_SCALA_212)


def spark_defaults(values: SenderValues) -> Snippet:
    return _defaults(values, "2.13", "defaults", SPARK)


def spark_defaults_scala_212(values: SenderValues) -> Snippet:
    return _defaults(values, "2.12", "defaults_212", SPARK_SCALA_212)


def _submit(values: SenderValues, scala: str) -> str:
    return f"""\
spark-submit \\
  --packages io.openlineage:openlineage-spark_{scala}:{JAVA_VERSION} \\
  --conf spark.extraListeners=io.openlineage.spark.agent.OpenLineageSparkListener \\
  --conf spark.openlineage.transport.type=http \\
  --conf spark.openlineage.transport.url='{values.endpoint_url}' \\
  --conf spark.openlineage.transport.auth.type=api_key \\
  --conf spark.openlineage.transport.auth.apiKey='{values.key}' \\
  your_job.py"""


def _defaults(values: SenderValues, scala: str, name: str, runner: Runner) -> Snippet:
    text = f"""\
spark.jars.packages                         io.openlineage:openlineage-spark_{scala}:{JAVA_VERSION}
spark.extraListeners                        io.openlineage.spark.agent.OpenLineageSparkListener
spark.openlineage.transport.type            http
spark.openlineage.transport.url             {values.endpoint_url}
spark.openlineage.transport.auth.type       api_key
spark.openlineage.transport.auth.apiKey     {values.key}"""
    return Snippet(name, f"spark-defaults.conf, Scala {scala}", text, runner)
