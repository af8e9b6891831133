"""Airflow with Cosmos: a DAG of which each model of a dbt project is a task, made by the text of the guide."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest

from tests.senders.airflow import Airflow, running_airflow
from tests.senders.airflow_shown import running_observatory
from tests.serving import ROOT
from web.guides.texts.dbt import cosmos_dag
from web.guides.values import SenderValues

PROJECT = Path(__file__).parent / "cosmos_project"
_SECONDS = 300
_EDGES = """
SELECT job.name, edge.direction, dataset.name
FROM lineage_edge edge
JOIN lineage_job job ON job.connection_id = edge.connection_id AND job.id = edge.job_id
JOIN lineage_dataset dataset ON dataset.connection_id = edge.connection_id AND dataset.id = edge.dataset_id
"""


@dataclass
class AirflowWithCosmos(Airflow):
    environment: ClassVar[Path] = ROOT / ".venv-cosmos"
    lock: ClassVar[Path] = ROOT / "requirements" / "cosmos.lock"

    def _settings(self) -> dict[str, str]:
        # A file of DuckDB has one writer.
        return {
            **super()._settings(),
            "CORE__DAGS_FOLDER": str(self.home / "dags"),
            "CORE__PARALLELISM": "1",
        }


def test_each_model_is_a_task_with_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "shop.duckdb"))
    (tmp_path / "dags").mkdir()
    text = cosmos_dag(SenderValues("", "")).text.replace("/opt/airflow/dbt", str(PROJECT))
    (tmp_path / "dags" / "shop.py").write_text(text)
    with running_observatory(tmp_path) as observatory:
        with running_airflow(tmp_path, observatory.transport, AirflowWithCosmos) as airflow:
            airflow.await_that(airflow.is_up, "Airflow's API", seconds=_SECONDS)
            airflow.await_that(lambda: airflow.rows("SELECT 1 FROM serialized_dag"), "the DAG", seconds=_SECONDS)
            airflow.trigger("shop")
            ended = "SELECT 1 FROM dag_run WHERE state IN ('success', 'failed')"
            airflow.await_that(lambda: airflow.rows(ended), "the end", seconds=_SECONDS)
            tasks = airflow.rows("SELECT task_id, state FROM task_instance")
        runs = observatory.runs()
        with psycopg.connect(observatory.database.url) as connection:
            edges = connection.execute(_EDGES).fetchall()

    states = {"success": "COMPLETED", "failed": "FAILED"}
    recorded = {f"shop.{task['task_id']}": states[task["state"]] for task in tasks}
    assert len(recorded) == 5
    # The model `refunds` fails.
    assert sorted((run.job, run.state) for run in runs) == sorted({**recorded, "shop": "FAILED"}.items())
    [dag_run] = [run for run in runs if run.job == "shop"]
    assert {run.parent_id for run in runs if run != dag_run} == {dag_run.id}
    assert all(run.start and run.end for run in runs)
    assert set(edges) == {
        ("shop.orders.run", "READS", "shop.main.raw_orders"),
        ("shop.orders.run", "WRITES", "shop.main.orders"),
        ("shop.orders.test", "READS", "shop.main.orders"),
        ("shop.customers_run", "READS", "shop.main.orders"),
        ("shop.customers_run", "WRITES", "shop.main.customers"),
    }
