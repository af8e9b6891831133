"""Texts with which pages describe Airflow."""

from typing import Final

from lineage.events.senders.sender import Words

INTEGRATION: Final = "AIRFLOW"
# Error message of a DAG run that timed out. Just after this event Airflow skips all tasks that have not ended.
TIMED_OUT: Final = "timed_out"
# Airflow's error message of a DAG run that it ended itself → its meaning.
ERROR_CODES: Final = {
    "task_failure": "A task failed",
    "all_tasks_deadlocked": "No task could go on: each waited for another (deadlock)",
    TIMED_OUT: "Its time was up (dagrun_timeout)",
}
SKIP_CODES: Final = {TIMED_OUT: "The time of its DAG run was up (dagrun_timeout) before it was done."}
WORDS: Final = Words(
    name="Airflow",
    title="Airflow",
    run_id_title="Airflow run id",
    run_id="the `run_id` of an Airflow DAG run",
    run_id_examples=("manual__…", "scheduled__…"),
    silent="Airflow's empty operators send nothing.",
    skipped="a branch or a condition went another way",
)
