"""Airflow, dbt and Spark, each with a connection of its own, over shared tables: one graph.

An Airflow task writes a table that dbt reads, and Spark writes one. Another Airflow task reads what dbt made, and
Spark's table by its name in the catalog, while Spark's events call it by its place.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from people.tokens import create_api_token
from tests.live_server import Sender, wait_until_settled
from tests.senders.airflow import Airflow, running_airflow
from tests.senders.dbt import NEWEST, DbtProject
from tests.senders.spark import Spark
from tests.serving import LiveServer

HERE = Path(__file__).parent / "shared_tables"
_START_SECONDS = 120
_RUN_SECONDS = 300


class AirflowOfShop(Airflow):
    dags: ClassVar[Path] = HERE / "dags"


@pytest.fixture
def read(server: LiveServer) -> Callable[..., Any]:
    """Read the API as a person who sees all connections."""
    token = create_api_token(user=User.objects.create_user("ada"), name="script", now=timezone.now()).text

    def get(path: str, **parameters: Any) -> Any:
        wait_until_settled()
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{server.url}/api/v1/{path}", parameters, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    return get


def run_dag(airflow: Airflow, dag_id: str) -> None:
    airflow.trigger(dag_id)
    ended = "SELECT state FROM dag_run WHERE dag_id = %s AND state IN ('success', 'failed')"
    airflow.await_that(lambda: airflow.rows(ended, dag_id), f"{dag_id} ended", seconds=_RUN_SECONDS)
    assert airflow.rows(ended, dag_id) == [{"state": "success"}]


def transport(server: LiveServer, sender: Sender) -> str:
    """The provider's setting, as in docs/connect/airflow.md."""
    auth = {"type": "api_key", "apiKey": sender.key}
    endpoint = server.path(sender.connection.id).removeprefix("/")
    return json.dumps({"type": "http", "url": server.url, "endpoint": endpoint, "auth": auth})


def run_dbt(directory: Path, database: Path, server: LiveServer, sender: Sender) -> None:
    shutil.copytree(HERE / "dbt", directory)
    output = {"type": "duckdb", "path": str(database)}
    (directory / "profiles.yml").write_text(json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}))
    endpoint = server.path(sender.connection.id).removeprefix("/")
    DbtProject(directory, NEWEST.install(), server.url, endpoint, sender.key).run("run")


def run_spark(directory: Path, server: LiveServer, sender: Sender) -> tuple[str, str]:
    """Write a table. Returns the namespace and the name that Spark's catalog gives it."""
    directory.mkdir()
    spark = Spark.configure(directory, url=server.endpoint(sender.connection.id), key=sender.key)
    spark.start("catalogued", "visits").wait(succeeds=True)
    return f"file:{directory}/spark-warehouse", "default.visits"


def run_airflow(directory: Path, setting: str, variables: dict[str, str], between: Callable[[], None]) -> None:
    """Run one DAG, then `between`, then the other DAG."""
    with running_airflow(directory, setting, AirflowOfShop) as airflow:
        airflow.await_that(airflow.is_up, "Airflow's API", seconds=_START_SECONDS)
        airflow.await_that(lambda: len(airflow.rows("SELECT FROM dag")) == 2, "both DAGs", seconds=_START_SECONDS)
        for key, value in variables.items():
            airflow.call("POST", "variables", key=key, value=value)
        run_dag(airflow, "load")
        between()
        run_dag(airflow, "report")


@pytest.fixture
def senders(new_sender: Callable[..., Sender]) -> dict[str, Sender]:
    return {name: new_sender(name) for name in ("Airflow", "dbt", "Spark")}


@pytest.fixture
def database(server: LiveServer, senders: dict[str, Sender], tmp_path: Path) -> Path:
    """The database of Airflow and dbt, after all three have run."""
    database = tmp_path / "shop.duckdb"
    variables = {
        "python": str(NEWEST.install() / "python"),
        "database": str(database),
        "spark_table": " ".join(run_spark(tmp_path / "spark", server, senders["Spark"])),
    }
    run_airflow(
        tmp_path,
        transport(server, senders["Airflow"]),
        variables,
        between=lambda: run_dbt(tmp_path / "dbt", database, server, senders["dbt"]),
    )
    return database


def test_three_orchestrators_are_one_graph(
    senders: dict[str, Sender], read: Callable[..., Any], database: Path
) -> None:
    asked = {"node": f"dataset:duckdb://{database}:shop.main.report", "direction": "up", "depth": "3"}
    graph = read("lineage", columns="true", **asked)
    names = {one["id"]: one["name"] for one in graph["nodes"]}
    lines = {(names[one["from"]], names[one["to"]], one["evidence"]) for one in graph["edges"]}
    assert lines == {
        ("shop.main.raw_orders", "shop.main.revenue", "columns"),
        ("shop.main.revenue", "shop.main.report", "assumed"),
        ("default.visits", "shop.main.report", "assumed"),
    }
    [of_columns] = [one["columns"] for one in graph["edges"] if one["evidence"] == "columns"]
    assert {(one["from"], one["to"]) for one in of_columns} == {("customer", "customer"), ("amount", "amount")}
    [place] = next(one["aliases"] for one in graph["nodes"] if one["name"] == "default.visits")
    assert place.endswith("/spark-warehouse/visits")

    writers = {one["name"]: read(f"jobs/{one['written_by'][0]}")["connection_id"] for one in graph["nodes"]}
    assert writers == {
        "shop.main.raw_orders": str(senders["Airflow"].connection.id),
        "shop.main.revenue": str(senders["dbt"].connection.id),
        "shop.main.report": str(senders["Airflow"].connection.id),
        "default.visits": str(senders["Spark"].connection.id),
    }
    as_reader = Client()
    as_reader.force_login(User.objects.get(username="ada"))
    page = as_reader.get("/lineage", asked).content.decode()
    assert {text for text in (*names.values(), "load.orders", "report.revenue", *senders) if text not in page} == set()
