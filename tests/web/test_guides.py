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

DOCUMENTS = Path(__file__).parents[2] / "docs" / "connect"
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
OpenLineageClient(config=config).emit(RunEvent(
    eventType=RunState.COMPLETE, eventTime="2026-03-02T12:00:00Z",
    run=Run(runId=str(generate_new_uuid())), job=Job(namespace="tests", name="one")))
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
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
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


def test_openlineage_yml(server: Received, values: SenderValues, path: str, tmp_path: Path) -> None:
    (tmp_path / "openlineage.yml").write_text(text_of("openlineage-yml", "yml", values))
    send_with_client(tmp_path)
    assert_posted(server, path)


def test_openlineage_yml_of_java(values: SenderValues) -> None:
    assert_java_posts_to_endpoint(yaml.safe_load(text_of("openlineage-yml", "java", values))["transport"], values)


def test_spark_submit(values: SenderValues) -> None:
    words = shlex.split(text_of("spark", "submit", values))
    options = dict(word.split("=", 1) for flag, word in itertools.pairwise(words) if flag == "--conf")
    assert_spark_posts_to_endpoint(options, values)


def test_spark_defaults(values: SenderValues) -> None:
    lines = text_of("spark", "defaults", values).splitlines()
    assert_spark_posts_to_endpoint(dict(line.split(maxsplit=1) for line in lines), values)


def assert_spark_posts_to_endpoint(options: dict[str, str], values: SenderValues) -> None:
    assert options["spark.extraListeners"] == "io.openlineage.spark.agent.OpenLineageSparkListener"
    prefix = "spark.openlineage.transport."
    transport: dict[str, Any] = {"auth": {}}
    for name, value in options.items():
        if name.startswith(f"{prefix}auth."):
            transport["auth"][name.removeprefix(f"{prefix}auth.")] = value
        elif name.startswith(prefix):
            transport[name.removeprefix(prefix)] = value
    assert_java_posts_to_endpoint(transport, values)


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
