"""Texts of the setup guides work as they are: each is given to the program that it is for."""

import ast
import configparser
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from connections.models import Connection
from lineage.events import decode_event
from web.guides import (
    GUIDES,
    KEY_PLACEHOLDER,
    SenderValues,
    guide_for,
    guide_named,
)
from web.guides.runners import AIRFLOW, DBT, PYTHON, RUNNERS, SPARK, Runner

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "docs" / "connect"
RUN_ID, SAME_RUN = re.compile(r'"runId": "[^"]*"'), '"runId": ""'
KEY = "obs_0123456789ab_secret_123456"
ENDPOINT_PATHS = ["/gateway/openlineage/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "/below/a/prefix/gateway/openlineage/1"]
# openlineage-python posts one event, configured by its environment and nothing else.
SEND_ONE = """
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid
import json, sys
config = json.loads(sys.argv[1])
client = OpenLineageClient(config=config)
client.emit(RunEvent(
    eventType=RunState.COMPLETE, eventTime="2026-03-02T12:00:00Z",
    run=Run(runId=str(generate_new_uuid())), job=Job(namespace="tests", name="one")))
client.close()
"""


@dataclass
class Received:
    """Requests that a server received: paths, Authorization headers and bodies of the POSTs."""

    url: str = ""
    posts: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.posts.append((self.path, self.headers["Authorization"]))
            received.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        received.url = f"http://127.0.0.1:{http_server.server_port}"
        threading.Thread(target=http_server.serve_forever, args=[0.01], daemon=True).start()
        yield received
        http_server.shutdown()


@pytest.fixture(params=ENDPOINT_PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def values(server: Received, path: str) -> SenderValues:
    return SenderValues(server.url + path, KEY)


def text_of(slug: str, name: str, values: SenderValues) -> str:
    guide = next(guide for guide in GUIDES if guide.slug == slug)
    return guide.snippets(values)[name].text


def send_with_client(
    tmp_path: Path, *, config: dict[str, Any] | None = None, environment: dict[str, str] | None = None
) -> None:
    subprocess.run(
        [sys.executable, "-c", SEND_ONE, json.dumps(config or {})],
        check=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **(environment or {})},
    )


def environment_after(script: str) -> dict[str, str]:
    """The variables that a shell exports to what runs after the script."""
    output = subprocess.run(
        ["bash", "-euc", f"{script}\nenv -0"],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    ).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if line)


def assert_posted(server: Received, path: str) -> None:
    assert server.posts == [(path, f"Bearer {KEY}")]


def test_airflow_environment(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    variables = environment_after(text_of("airflow", "environment", values))
    # As airflow.providers.openlineage.plugins.adapter hands [openlineage] transport to the client (2.20.3).
    send_with_client(tmp_path, config={"transport": json.loads(variables["AIRFLOW__OPENLINEAGE__TRANSPORT"])})
    assert_posted(server, path)


def test_airflow_cfg(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(text_of("airflow", "cfg", values))
    send_with_client(tmp_path, config={"transport": json.loads(parser["openlineage"]["transport"])})
    assert_posted(server, path)


def test_airflow_on_kubernetes(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    kubectl = 'kubectl() { for word; do printf "%s\\0" "$word"; done; }'
    script = f"{kubectl}\n{text_of('airflow', 'secret', values)}"
    words = subprocess.run(["bash", "-euc", script], check=True, capture_output=True, text=True).stdout.split("\0")
    assert words[:3] == ["create", "secret", "generic"]
    secret = {
        words[3]: dict(
            [next(word for word in words if "literal" in word).removeprefix("--from-literal=").split("=", 1)]
        )
    }
    (variable,) = yaml.safe_load(text_of("airflow", "helm", values))["secret"]
    assert variable["envName"] == "AIRFLOW__OPENLINEAGE__TRANSPORT"
    transport = secret[variable["secretName"]][variable["secretKey"]]
    send_with_client(tmp_path, config={"transport": json.loads(transport)})
    assert_posted(server, path)


def test_dbt_environment(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    send_with_client(tmp_path, environment=environment_after(text_of("dbt", "environment", values)))
    assert_posted(server, path)


def test_dbt_environment_beside_the_asynchronous_transport(
    server: Received, values: SenderValues, path: str, tmp_path: Path
) -> None:
    environment = environment_after(text_of("dbt", "environment", values))
    send_with_client(
        tmp_path,
        config={"transport": {"type": "composite"}},
        environment=environment,
    )
    assert_posted(server, path)


def test_airflow_in_docker_compose(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    services = yaml.safe_load(text_of("airflow", "compose", values))["services"]
    assert {f"airflow-{name}" for name in ("scheduler", "worker", "triggerer", "dag-processor")} == set(services)
    (transport,) = {service["environment"]["AIRFLOW__OPENLINEAGE__TRANSPORT"] for service in services.values()}
    # Compose would put a variable in the place of a dollar sign.
    assert "$" not in transport
    send_with_client(tmp_path, config={"transport": json.loads(transport)})
    assert_posted(server, path)


@pytest.mark.parametrize("name", ["yml", "async"])
def test_openlineage_yml(server: Received, values: SenderValues, path: str, tmp_path: Path, name: str) -> None:
    (tmp_path / "openlineage.yml").write_text(text_of("openlineage-yml", name, values))
    send_with_client(tmp_path)
    assert_posted(server, path)


def test_openlineage_yml_of_java(values: SenderValues) -> None:
    assert_java_posts_to_endpoint(yaml.safe_load(text_of("openlineage-yml", "java", values))["transport"], values)


def test_a_python_program(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    text = text_of("python", "program", values)
    subprocess.run([sys.executable, "-c", text], check=True, cwd=tmp_path, env={"HOME": str(tmp_path)})
    assert server.posts == [(path, f"Bearer {KEY}")] * 2
    start, complete = (json.loads(body) for body in server.bodies)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"] == complete["run"]


@pytest.mark.parametrize(("end", "scala"), [("", "2.13"), ("_212", "2.12")])
def test_spark_submit_and_defaults(values: SenderValues, end: str, scala: str) -> None:
    words = shlex.split(text_of("spark", f"submit{end}", values))
    options = dict(word.split("=", 1) for flag, word in itertools.pairwise(words) if flag == "--conf")
    assert_spark_posts_to_endpoint(options, values)
    defaults = dict(line.split(maxsplit=1) for line in text_of("spark", f"defaults{end}", values).splitlines())
    jar = defaults.pop("spark.jars.packages")
    assert defaults == options
    assert jar == words[words.index("--packages") + 1] == f"io.openlineage:openlineage-spark_{scala}:{SPARK.version}"


def test_flink_config(values: SenderValues) -> None:
    options = yaml.safe_load(text_of("flink", "config", values))
    listener = options.pop("execution.job-status-changed-listeners")
    assert listener == "io.openlineage.flink.listener.OpenLineageJobStatusChangedListenerFactory"
    assert_java_posts_to_endpoint(nested(options, "openlineage.transport."), values)


def assert_spark_posts_to_endpoint(options: dict[str, str], values: SenderValues) -> None:
    assert options["spark.extraListeners"] == "io.openlineage.spark.agent.OpenLineageSparkListener"
    assert_java_posts_to_endpoint(nested(options, "spark.openlineage.transport."), values)


def nested(options: dict[str, str], prefix: str) -> dict[str, Any]:
    """The transport that flat options with this prefix configure."""
    transport: dict[str, Any] = {"auth": {}}
    for name, value in options.items():
        if name.startswith(f"{prefix}auth."):
            transport["auth"][name.removeprefix(f"{prefix}auth.")] = value
        elif name.startswith(prefix):
            transport[name.removeprefix(prefix)] = value
    return transport


def assert_java_posts_to_endpoint(transport: dict[str, Any], values: SenderValues) -> None:
    """Check a transport by the rules of io.openlineage.client.transports.HttpTransport: a URL that has a path is used
    as it is, and an `endpoint` beside it is an error."""
    assert urlsplit(transport["url"]).path
    assert transport == {
        "type": "http",
        "url": values.endpoint_url,
        "auth": {"type": "api_key", "apiKey": KEY},
    }


def test_curl(server: Received, values: SenderValues, path: str) -> None:
    for name in ("start", "complete"):
        text = text_of("curl", name, values)
        shell = subprocess.run(["bash", "-euc", text], check=True, capture_output=True, text=True)
        assert "201 Created" in shell.stdout
    assert server.posts == [(path, f"Bearer {KEY}")] * 2


def test_curl_sends_events_of_one_run_that_takes_place_now(server: Received, values: SenderValues) -> None:
    guide = guide_named("curl", Connection(type="openlineage"))
    for snippet in guide.snippets(values).values():
        subprocess.run(["bash", "-euc", snippet.text], check=True, capture_output=True)
    start, complete = (json.loads(body) for body in server.bodies)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"] == complete["run"]
    for body in server.bodies:
        decode_event(body)


def test_airflow_task_that_runs_dbt(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(text_of("airflow-dbt", "task", values))) if isinstance(node, ast.Call)]
    (environment,) = (ast.literal_eval(word.value) for word in calls[0].keywords if word.arg == "env")
    set_variable = shlex.split(text_of("airflow-dbt", "key", values))
    assert set_variable[:3] == ["airflow", "variables", "set"]
    assert environment["OPENLINEAGE_API_KEY"] == f"{{{{ var.value.{set_variable[3]} }}}}"
    send_with_client(tmp_path, environment={**environment, "OPENLINEAGE_API_KEY": set_variable[4]})
    assert_posted(server, path)


def test_a_dag_of_cosmos_is_python(values: SenderValues) -> None:
    calls = ast.walk(ast.parse(text_of("airflow-dbt", "cosmos_dag", values)))
    names = {node.func.id for node in calls if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert names == {"DbtDag", "ProjectConfig", "ProfileConfig"}


@pytest.mark.parametrize(
    ("runner", "lock", "package"),
    [
        (PYTHON, "dev", "openlineage-python"),
        (AIRFLOW, "airflow", "apache-airflow-providers-openlineage"),
        (DBT, "clients", "openlineage-dbt"),
    ],
)
def test_a_tested_version_is_the_installed_one(runner: Runner, lock: str, package: str) -> None:
    locked = (ROOT / "requirements" / f"{lock}.lock").read_text()
    assert f"\n{package}=={runner.version} " in locked


def test_each_runner_is_in_the_table_of_the_documents() -> None:
    used = {snippet.runner for guide in GUIDES for snippet in guide.snippets(SenderValues("https://a.test/b")).values()}
    assert used == set(RUNNERS)
    table = (DOCUMENTS / "README.md").read_text()
    words = {"run": "at each commit", "clients": "by `make test-clients`", "parsed": "values compared", "none": "no"}
    for runner in RUNNERS:
        assert f"| {runner.name} | {words[runner.check]} |" in table


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.slug)
def test_without_a_key_a_placeholder_stands_where_the_key_goes(guide: Any) -> None:
    values = SenderValues("https://observatory.example/gateway/openlineage/1")
    with_key = SenderValues(values.endpoint_url, KEY)
    for name, snippet in guide.snippets(values).items():
        assert KEY not in snippet.text
        assert (KEY in guide.snippets(with_key)[name].text) == (KEY_PLACEHOLDER in snippet.text)


@pytest.mark.parametrize(
    ("connection_type", "slug"), [("airflow", "airflow"), ("dbt", "dbt"), ("openlineage", "openlineage-yml")]
)
def test_each_type_of_connection_opens_its_own_guide(connection_type: str, slug: str) -> None:
    connection = Connection(type=connection_type)
    assert guide_for(connection).slug == slug
    assert guide_named("no-such-guide", connection).slug == slug
    assert guide_named("curl", connection).slug == "curl"


def test_the_documents_give_the_same_texts() -> None:
    documents = "\n".join(path.read_text() for path in DOCUMENTS.glob("*.md"))
    documents = RUN_ID.sub(SAME_RUN, documents)
    values = SenderValues("https://observatory.example.com/gateway/openlineage/CONNECTION_ID", "API_KEY")
    for guide in GUIDES:
        for snippet in guide.snippets(values).values():
            assert f"\n{RUN_ID.sub(SAME_RUN, snippet.text)}\n```" in documents
