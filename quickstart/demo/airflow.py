"""Sample data of an Airflow deployment over two weeks: DAG runs with tasks, retries and failures; one runs, one is
stuck."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from quickstart.demo import warehouse
from quickstart.demo.executions import Event, Execution, SampleJob

HISTORY: Final = timedelta(days=14)
_NAMESPACE: Final = "airflow-prod"
_PRODUCER: Final = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
_SITE: Final = "https://airflow.shop.example"
_TRIES: Final = 2
_RETRY_AFTER: Final = timedelta(minutes=1)
# Longer than any DAG run with all its retries.
_ENDED_BEFORE: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    minutes: float
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    # Probability that one try fails, and its error message then.
    fails: float = 0.0
    error: str = ""
    # Every try fails since then.
    broken_since: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Dag:
    """DAG that runs `every` so often. `cron`: says that as Airflow shows it."""

    name: str
    description: str
    owner: str
    tags: Sequence[str]
    cron: str
    every: timedelta
    after_midnight: timedelta
    tasks: Sequence[Task]

    def scheduled(self, since: datetime, until: datetime) -> Iterator[datetime]:
        at = since.replace(hour=0, minute=0, second=0, microsecond=0) + self.after_midnight
        while at < until:
            if at >= since:
                yield at
            at += self.every


_DAGS: Final = (
    Dag(
        "orders_sync",
        "Copies orders and payments from the shop into the warehouse.",
        owner="data-platform",
        tags=["shop", "tier:1"],
        cron="5 */2 * * *",
        every=timedelta(hours=2),
        after_midnight=timedelta(minutes=5),
        tasks=(
            Task(
                "extract_orders",
                3,
                outputs=["shop.raw.orders"],
                fails=0.05,
                error="requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='api.shop.example', port=443):"
                " Max retries exceeded with url: /v2/orders",
            ),
            Task("extract_payments", 2, outputs=["shop.raw.payments", "shop.raw.refunds"]),
            Task("check_row_counts", 0.5, inputs=["shop.raw.orders", "shop.raw.payments"]),
        ),
    ),
    Dag(
        "daily_revenue",
        "Makes the revenue report that finance reads at nine.",
        owner="finance-data",
        tags=["finance", "report", "tier:1"],
        cron="30 7 * * *",
        every=timedelta(days=1),
        after_midnight=timedelta(hours=7, minutes=30),
        tasks=(
            Task("wait_for_marts", 4, inputs=["shop.marts.revenue_daily"]),
            Task(
                "build_report",
                9,
                inputs=["shop.marts.revenue_daily", "shop.raw.refunds"],
                outputs=["shop.reports.daily_revenue"],
                broken_since=warehouse.REASON_GONE,
                error='psycopg.errors.UndefinedColumn: column "refund_reason" does not exist\n'
                "LINE 14:     sum(r.amount) FILTER (WHERE r.refund_reason <> 'fraud')",
            ),
            Task("send_report", 0.3, inputs=["shop.reports.daily_revenue"]),
        ),
    ),
    Dag(
        "customer_360",
        "Merges the customers of the shop and of the CRM.",
        owner="data-platform",
        tags=["crm"],
        cron="0 1-23/6 * * *",
        every=timedelta(hours=6),
        after_midnight=timedelta(hours=1),
        tasks=(
            Task("pull_crm", 6, outputs=["shop.raw.customers"], fails=0.08, error="KeyError: 'billing_country'"),
            Task("merge_profiles", 11, inputs=["shop.raw.customers"], outputs=["shop.raw.customers"]),
        ),
    ),
    Dag(
        "train_churn_model",
        "Trains the churn model every night and scores all customers.",
        owner="data-science",
        tags=["ml"],
        cron="0 3 * * *",
        every=timedelta(days=1),
        after_midnight=timedelta(hours=3),
        tasks=(
            Task(
                "build_features",
                18,
                inputs=["shop.marts.dim_customers", "lake.sessions"],
                outputs=["shop.ml.churn_features"],
            ),
            Task(
                "train",
                52,
                fails=0.06,
                error="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.44 GiB",
            ),
            Task("score", 7, inputs=["shop.ml.churn_features"], outputs=["shop.ml.churn_scores"]),
        ),
    ),
    Dag(
        "import_ad_spend",
        "Fetches what the advertisements cost. Fails since the token expired.",
        owner="marketing-data",
        tags=["marketing"],
        cron="0 2,14 * * *",
        every=timedelta(hours=12),
        after_midnight=timedelta(hours=2),
        tasks=(
            Task(
                "fetch_campaigns",
                1.5,
                outputs=["shop.raw.ad_spend"],
                broken_since=timedelta(days=3),
                error="requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url:"
                " https://ads.example/v4/campaigns (the access token expired)",
            ),
            Task("load_costs", 2, inputs=["shop.raw.ad_spend"]),
        ),
    ),
    Dag(
        "board_pack",
        "Makes the numbers for the board, every other week.",
        owner="finance-data",
        tags=["finance", "report"],
        cron="0 9 1,15 * *",
        every=timedelta(days=14),
        after_midnight=timedelta(days=7, hours=9),
        tasks=(Task("build", 5, inputs=["shop.marts.campaign_roi"], outputs=["shop.reports.board_pack"]),),
    ),
)
_BACKUP: Final = Dag(
    "warehouse_backup",
    "Copies the warehouse to another region.",
    owner="data-platform",
    tags=["backup"],
    cron="0 4 * * *",
    every=timedelta(days=1),
    after_midnight=timedelta(hours=4),
    tasks=(Task("dump", 35),),
)


def events(now: datetime) -> Iterator[Event]:
    """Generate the events of the two weeks before `now`."""
    since = now - HISTORY
    for dag in _DAGS:
        for at in dag.scheduled(since, now - _ENDED_BEFORE):
            yield from _dag_run(dag, at, random.Random(f"{dag.name} {(now - at) // timedelta(hours=1)}"), now - at)  # noqa: S311
    for at in _BACKUP.scheduled(since, now - timedelta(days=4)):
        yield from _dag_run(_BACKUP, at, random.Random(f"backup {(now - at) // timedelta(hours=1)}"), now - at)  # noqa: S311
    yield from _running(_DAGS[0], now)
    yield from _stuck(_BACKUP, now - timedelta(days=3, minutes=17))


def _dag_run(dag: Dag, at: datetime, chance: random.Random, age: timedelta) -> Iterator[Event]:
    """Generate a DAG run. `age`: how long before now it is."""
    clock = at + timedelta(seconds=chance.uniform(1, 9))
    facets = {**_nominal(at), **_dag_run_facet(dag, "scheduled", at, started_at=clock)}
    run_id = _run_id("scheduled", at)
    started = Execution(_dag_job(dag), clock, timedelta(), None, run_facets=facets)
    task_events: list[Event] = []
    succeeded = True
    for task in dag.tasks:
        for attempt in range(1, _TRIES + 1):
            execution = _try(dag, task, started, clock, attempt=attempt, chance=chance, age=age, run_id=run_id)
            task_events += execution.events()
            clock = execution.ended_at + (_RETRY_AFTER if execution.outcome == "FAIL" else timedelta(seconds=2))
            succeeded = execution.outcome == "COMPLETE"
            if succeeded:
                break
        if not succeeded:
            break
    whole = Execution(
        _dag_job(dag),
        started.started_at,
        clock - started.started_at,
        "COMPLETE" if succeeded else "FAIL",
        run_facets=facets,
    )
    start, end = whole.events()
    yield from (start, *task_events, end)


def _running(dag: Dag, now: datetime) -> Iterator[Event]:
    """Generate a DAG run whose first task has completed, and whose second one is running."""
    began = now - timedelta(minutes=4)
    facet = _dag_run_facet(dag, "manual", began, started_at=began)
    parent = Execution(_dag_job(dag), began, timedelta(), None, run_facets=facet)
    first, second = dag.tasks[:2]
    yield from parent.events()
    yield from Execution(
        _task_job(dag, first), parent.started_at, timedelta(minutes=3), "COMPLETE", parent, **_datasets(first)
    ).events()
    at = now - timedelta(minutes=1)
    yield from Execution(_task_job(dag, second), at, timedelta(), None, parent, **_datasets(second)).events()


def _stuck(dag: Dag, at: datetime) -> Iterator[Event]:
    """Generate a DAG run whose worker died, so that it sends nothing more."""
    facet = _dag_run_facet(dag, "manual", at, started_at=at)
    parent = Execution(_dag_job(dag), at, timedelta(), None, run_facets=facet)
    yield from parent.events()
    yield from Execution(_task_job(dag, dag.tasks[0]), at + timedelta(seconds=4), timedelta(), None, parent).events()


def _try(
    dag: Dag,
    task: Task,
    parent: Execution,
    at: datetime,
    *,
    attempt: int,
    chance: random.Random,
    age: timedelta,
    run_id: str,
) -> Execution:
    failed = chance.random() < task.fails or age < task.broken_since
    minutes = task.minutes * chance.uniform(0.8, 1.4) * (chance.uniform(0.2, 0.9) if failed else 1)
    return Execution(
        _task_job(dag, task),
        at,
        timedelta(minutes=minutes),
        "FAIL" if failed else "COMPLETE",
        parent,
        error=task.error,
        run_facets=_airflow_facet(dag, task, attempt, run_id),
        **_datasets(task, age),
    )


def _dag_job(dag: Dag) -> SampleJob:
    return SampleJob(
        *(_NAMESPACE, dag.name, "DAG", "AIRFLOW", _PRODUCER),
        description=dag.description,
        owners=[dag.owner],
        tags=dag.tags,
    )


def _task_job(dag: Dag, task: Task) -> SampleJob:
    name = f"{dag.name}.{task.name}"
    return SampleJob(_NAMESPACE, name, "TASK", "AIRFLOW", _PRODUCER, owners=[dag.owner], tags=dag.tags)


def _run_id(run_type: str, logical_date: datetime) -> str:
    return f"{run_type}__{logical_date.isoformat()}"


def _page(dag: Dag, run_id: str, rest: str = "") -> str:
    """Return the address of a page of this Airflow, which does not exist."""
    return f"{_SITE}/dags/{dag.name}/runs/{quote(run_id)}{rest}"


def _datasets(task: Task, age: timedelta = timedelta()) -> dict[str, Any]:
    return {"inputs": task.inputs, "outputs": task.outputs, "tables": warehouse.tables_at(age)}


def _airflow_facet(dag: Dag, task: Task, attempt: int, run_id: str) -> dict[str, Any]:
    return {
        "airflow": {
            "_producer": _PRODUCER,
            "_schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet",
            "dag": {"dag_id": dag.name, "description": dag.description},
            "task": {"task_id": task.name, "retries": _TRIES - 1},
            "taskInstance": {
                "try_number": attempt,
                "log_url": _page(dag, run_id, f"/tasks/{task.name}?try_number={attempt}"),
            },
        }
    }


def _dag_run_facet(dag: Dag, run_type: str, logical_date: datetime, *, started_at: datetime) -> dict[str, Any]:
    return {
        "airflowDagRun": {
            "_producer": _PRODUCER,
            "_schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet",
            "dag": {
                "dag_id": dag.name,
                "description": dag.description,
                "owner": dag.owner,
                "tags": str(list(dag.tags)),
                "timetable": {"expression": dag.cron, "timezone": "UTC"},
                "timetable_summary": dag.cron,
            },
            "dagRun": {
                "dag_id": dag.name,
                "run_id": _run_id(run_type, logical_date),
                "log_url": _page(dag, _run_id(run_type, logical_date)),
                "run_type": run_type,
                "logical_date": logical_date.isoformat(),
                "start_date": started_at.isoformat(),
                "clear_number": 0,
            },
        }
    }


def _nominal(at: datetime) -> dict[str, Any]:
    return {
        "nominalTime": {
            "_producer": _PRODUCER,
            "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json",
            "nominalStartTime": at.isoformat(),
        }
    }
