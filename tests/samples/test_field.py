"""Each case from the field shows what is right, in any order of its events.

To add a case: put its events into `tests/samples/field`, and a row for each of its jobs below.
"""

from typing import Any, NamedTuple

import pytest

from tests.conftest import SAMPLES
from tests.lineage.conftest import make_sender
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.samples.field import ORDERS, events_of, refusal, shown_after


class Row(NamedTuple):
    """`right`: attribute of `tests.samples.field.Found` → value."""

    case: str
    job: str
    right: dict[str, Any]


NPE = "java.lang.NullPointerException"
ABORTED = "Job aborted due to stage failure: Task 0 in stage 0.0 failed 1 times"
COLOURLESS = "01:12:05  Database Error in model orders (models/orders.sql)"
SQL_OF_04 = "nightly_orders.execute_insert_into_hadoop_fs_relation_command.orders"
REVENUE_OF_70 = "good_orders.adaptive_spark_plan.good_revenue"
ROWS = [
    Row("02", "PARENT_DAG.insert", {"states": ["COMPLETED"], "seconds": 8.153823, "parent": "PARENT_DAG"}),
    Row(
        "03",
        "reports.read_table",
        {
            "states": ["COMPLETED"],
            "seconds": 60,
            "parent": "reports",
            "current": [("READS", "AwsDataCatalog.shop.orders")],
            "problems": ["outputs[0].name"],
        },
    ),
    Row("04", "nightly_orders", {"states": ["COMPLETED"], "seconds": 120, "is_listed": True}),
    Row("04", "unknown", {"states": [], "is_listed": False}),
    Row("04", SQL_OF_04, {"states": ["COMPLETED"], "parent": "nightly_orders"}),
    Row(
        "06",
        "etl6",
        {"states": ["COMPLETED"], "failed_children": ["etl6.execute_save_into_data_source_command.orders"]},
    ),
    Row(
        "06",
        "etl6.execute_save_into_data_source_command.orders",
        {"states": ["FAILED"], "headline": ABORTED, "error": (ABORTED, "org.apache.spark.SparkException: Job aborted")},
    ),
    Row(
        "08",
        "quality.check",
        {
            "states": ["FAILED"],
            "headline": "AssertionError",
            "error": ("AssertionError", "Traceback (most recent call last):"),
            "reasons": [],
            "story": "The latest run failed after 5.0 s: AssertionError.",
        },
    ),
    Row(
        "08",
        "flink_job",
        {
            "states": ["FAILED"],
            "headline": NPE,
            "error": (NPE, NPE),
            "reasons": [],
            "story": f"The latest run failed after 5.0 s: {NPE}.",
        },
    ),
    Row("09", "fan.load", {"instances": [(0, "COMPLETED"), (1, "FAILED"), (2, "COMPLETED")], "state": "FAILED"}),
    Row("10", "fan.multiply", {"instances": [(0, "FAILED"), (1, "COMPLETED")], "state": "FAILED"}),
    Row("11", "insert-into_default_catalog.default_database.orders", {"states": ["FAILED"], "seconds": 79.527302}),
    Row(
        "13",
        "load_dp_customer b13",
        {"states": [], "current": [("READS", "customer"), ("WRITES", "dp_customer")]},
    ),
    Row("13", "null_run b13", {"states": [], "current": []}),
    Row("14", "save", {"states": ["COMPLETED"], "datasets": 4}),
    Row("15", "provision-weekly-measurements-governance-action-type", {"states": ["RUNNING"]}),
    Row("16", "self", {"states": ["COMPLETED"], "seconds": 9, "parent": None}),
    Row("16", "left", {"states": ["RUNNING"], "parent": "right"}),
    Row("16", "right", {"states": ["RUNNING"], "parent": "left"}),
    Row("16", "no_parent_1", {"states": ["COMPLETED"], "parent": None, "problems": ["run.facets.parent.run.runId"]}),
    Row("16", "no_parent_2", {"states": ["COMPLETED"], "parent": None, "problems": ["run.facets.parent.run.runId"]}),
    Row("17", "dag17.submit", {"states": ["COMPLETED"], "seconds": 40, "error": None, "headline": ""}),
    Row("17", "spark_app17.insert", {"states": ["FAILED"], "seconds": 25, "headline": "boom"}),
    Row(
        "18",
        "nulls",
        {
            "states": ["COMPLETED"],
            "seconds": 30,
            "type": ("APPLICATION", "SPARK", ""),
            "current": [("READS", "/a"), ("WRITES", "/b")],
            "problems": [],
        },
    ),
    Row(
        "19",
        "validate_orders",
        {
            "states": ["COMPLETED"],
            "tests": [
                ("expect_column_values_to_not_be_null", "failed"),
                ("expect_table_row_count_to_be_between", "passed"),
            ],
            "problems": ["inputs[shop.public.orders].inputFacets.dataQualityAssertions.assertions[2].success"],
        },
    ),
    Row("21", "transform_sales_data", {"states": ["COMPLETED"], "seconds": None, "datasets": 2}),
    Row("22", "somename", {"states": ["COMPLETED"], "seconds": None}),
    Row("23", "daily_assets", {"states": ["ABORTED"], "seconds": 30}),
    Row("23", "daily_assets.load_orders", {"states": ["COMPLETED"], "seconds": 9, "parent": "daily_assets"}),
    Row("23", "daily_assets.report", {"states": ["FAILED"], "seconds": 2, "parent": "daily_assets"}),
    Row("24", "fake_ingest", {"states": ["COMPLETED"], "type": ("TASK", "PREFECT", "BATCH")}),
    Row("26", "faildag.fail", {"states": ["FAILED"], "seconds": 5, "headline": "ValueError: Task failed."}),
    Row("27", "test.run_bash", {"state": "FAILED"}),
    Row("27", "test", {"state": "FAILED"}),
    Row(
        "28",
        "model.shop.orders",
        {
            "states": ["FAILED"],
            "headline": COLOURLESS,
            "error": (f'{COLOURLESS}\n  relation "raw.orders" does not exist', "---------"),
            "story": f"The latest run failed after 5.0 s: {COLOURLESS}.",
        },
    ),
    Row(
        "29",
        "cl",
        {
            "states": ["COMPLETED"],
            "statistics": [(1000, None, 3)],
            "problems": ["outputs[db.s.t2].outputFacets.outputStatistics.size"],
        },
    ),
    Row("30", "adb-1234.5.azuredatabricks.net.adaptive_spark_plan", {"states": ["COMPLETED"], "seconds": None}),
    Row("31", "spark_pipeline_v1.overwrite", {"states": ["COMPLETED"], "seconds": 25}),
    Row("34", "dag_lower", {"type": ("DAG", "AIRFLOW", "")}),
    Row("34", "only_processing", {"type": ("APPLICATION", "SPARK", "BATCH")}),
    Row("34", "lifecycle", {"type": ("JOB", "FLINK", "STREAMING")}),
    Row("36", "100% of %s <b>bold</b>", {"states": ["COMPLETED"]}),
    Row("36", "naïve/日本語\u202e.gnp", {"states": ["COMPLETED"]}),
    Row("36", "line1\nline2\ttab", {"states": ["COMPLETED"]}),
    Row("36", "  spaces  ", {"states": ["COMPLETED"]}),
    Row("40", "run_only", {"parent": None, "problems": ["run.facets.parent.job"]}),
    Row("40", "no_namespace", {"parent": None, "problems": ["run.facets.parent.job.namespace"]}),
    Row("40", "job_only", {"parent": None, "problems": ["run.facets.parent.run"]}),
    Row("40", "broken_root", {"parent": "outer", "root": None, "problems": ["run.facets.parent.root.run.runId"]}),
    Row("40", "outer", {"parent": None, "problems": []}),
    Row("41", "dd", {"states": ["FAILED"], "seconds": 30.0001}),
    Row("42", "skew", {"states": ["COMPLETED"], "seconds": None}),
    Row("43", "del", {"states": ["COMPLETED"], "described": ("", [], []), "problems": []}),
    Row("45", "tn.t", {"states": ["COMPLETED"], "attempt": 1}),
    Row("48", "debezium.0", {"states": ["RUNNING"], "datasets": 3}),
    Row("49", "time03", {"states": ["COMPLETED"]}),
    Row("49", "time07", {"states": ["COMPLETED"]}),
    Row(
        "50",
        "keboola.snowflake-transformation-b50",
        {
            "states": ["COMPLETED"],
            "seconds": 30,
            "current": [("READS", "in.c-main.orders"), ("WRITES", "out.c-main.orders")],
        },
    ),
    # Tests of `dbt test` and `dbt build`, compared with dbt's run_results.json.
    Row(
        "53",
        "shop.main.shop.orders.test",
        {
            "states": ["FAILED", "FAILED"],
            "type": ("TEST", "DBT", "BATCH"),
            "job_parent": "shop.main.shop.orders",
            "parent": "dbt-run-shop",
            "tests": [
                ("not_null_orders_amount", "failed"),
                ("unique_orders_id", "failed"),
                ("not_null_orders_id", "passed"),
            ],
            "problems": [],
        },
    ),
    # It passed, and was skipped the next time, which dbt-ol 1.30 sends as a failure.
    Row(
        "53",
        "shop.main.shop.paid.test",
        {"states": ["COMPLETED", "FAILED"], "tests": [("not_null_paid_amount", "failed")]},
    ),
    Row("53", "shop.main.shop.orders", {"states": ["COMPLETED", "COMPLETED"], "type": ("MODEL", "DBT", "BATCH")}),
    Row("53", "shop.main.shop.paid", {"states": ["COMPLETED"], "seconds": 0.11015}),
    Row("53", "shop.main.shop.broken", {"states": ["FAILED"]}),
    Row("53", "dbt-run-shop", {"states": ["COMPLETED", "FAILED", "FAILED", "FAILED"], "type": ("JOB", "DBT", "BATCH")}),
    Row(
        "54",
        "unit_test.shop54.fine.ut_fine_bad",
        {
            "states": ["FAILED"],
            "type": ("TEST", "DBT", "BATCH"),
            "job_parent": "model.shop54.fine",
            "parent": "dbt-run-shop54",
            "orchestrator_run_id": "",
            "headline": "actual differs from expected:",
            "problems": [],
        },
    ),
    Row(
        "54",
        "unit_test.shop54.fine.ut_fine_ok",
        {"states": ["COMPLETED"], "type": ("TEST", "DBT", "BATCH"), "orchestrator_run_id": ""},
    ),
    Row("54", "model.shop54.fine", {"states": ["SKIPPED"], "type": ("MODEL", "DBT", "BATCH")}),
    Row(
        "54",
        "dbt-run-shop54",
        {
            "states": ["FAILED"],
            "type": ("JOB", "DBT", "BATCH"),
            "orchestrator_run_id": "559340ef-2e78-4bac-a56f-31fa704d0a48",
        },
    ),
    Row("56", "wide", {"states": ["COMPLETED"], "seconds": 9, "datasets": 10_000, "problems": ["inputs, outputs"]}),
    Row("60", "DAG_Name.begin", {"states": ["COMPLETED", "FAILED"], "parent": "DAG_Name"}),
    Row("70", "good_orders", {"states": ["COMPLETED"], "type": ("APPLICATION", "SPARK", "NONE")}),
    Row("70", REVENUE_OF_70, {"states": ["COMPLETED"], "seconds": 12.707, "parent": "good_orders"}),
    Row(
        "70",
        "streaming_failing_orders",
        {"states": ["COMPLETED"], "failed_children": ["streaming_failing_orders.project"]},
    ),
    Row(
        "70",
        "streaming_failing_orders.project",
        {"states": ["FAILED"], "type": ("SQL", "SPARK", "STREAMING"), "parent": "streaming_failing_orders"},
    ),
    # Each query is a job of its own.
    Row(
        "71",
        "20261130_020000_00007_k3x9p",
        {
            "states": ["COMPLETED"],
            "seconds": 3.5,
            "type": ("SQL", "TRINO", "BATCH"),
            "current": [("READS", "lake.shop.orders"), ("WRITES", "lake.shop.daily")],
            "problems": [],
        },
    ),
    Row(
        "71",
        "20261130_020100_00008_k3x9p",
        {"states": ["FAILED"], "seconds": 0.25, "headline": "Division by zero", "problems": []},
    ),
    Row(
        "72",
        "createtable_as_select.shop.daily",
        {
            "states": ["COMPLETED"],
            "seconds": 42,
            "type": ("SQL", "HIVE", "BATCH"),
            "current": [("READS", "shop.orders"), ("WRITES", "shop.daily")],
            "problems": [],
        },
    ),
    # Before the listener sent START and jobType.
    Row(
        "72",
        "query.shop.weekly",
        {"states": ["COMPLETED"], "seconds": None, "type": ("SQL", "HIVE", ""), "datasets": 2},
    ),
    Row(
        "73",
        "report",
        {
            "states": ["COMPLETED"],
            "type": ("JOB", "FLINK", "BATCH"),
            "problems": ["inputs[0].namespace", "outputs[0].namespace"],
        },
    ),
    Row("73", "broken", {"states": ["FAILED"], "error": None, "headline": ""}),
]
# Cases in which one job was listed under several names → all jobs.
ALL_JOBS = {case: {row.job for row in ROWS if row.case == case} for case in ("53", "54")}
CASES = sorted({row.case for row in ROWS})


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", CASES)
def test_what_is_right(case: str, order: str) -> None:
    sender = make_sender()
    shown = shown_after(sender, ORDERS[order](events_of(case)))
    rows = [row for row in ROWS if row.case == case]
    found = {row.job: {name: getattr(shown[row.job], name) for name in row.right} for row in rows}
    assert found == {row.job: row.right for row in rows}
    assert shown.keys() == ALL_JOBS.get(case, shown.keys())
    assert_shown_as_the_rules_say(sender.connection.id)


# Case → the positions of the events that are refused, and what the refusal names.
REFUSED = {
    "38": (range(2), "$.eventType"),
    "49": ((10, 11, 12, 13, 14, 15), "$.eventTime"),
}


@pytest.mark.parametrize("case", [path.name[:2] for path in sorted((SAMPLES / "field").iterdir())])
def test_only_what_is_no_event_is_refused(case: str) -> None:
    refused = {position: why for position, body in enumerate(events_of(case)) if (why := refusal(body))}
    positions, names = REFUSED.get(case, ((), ""))
    assert set(refused) == set(positions)
    assert all(names in why for why in refused.values())
