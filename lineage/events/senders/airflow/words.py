"""Words in which pages speak of Airflow: text alone."""

from typing import Final

from lineage.events.senders.sender import Words

INTEGRATION: Final = "AIRFLOW"
# The error message of a DAG run whose time was up. Whatever it has left Airflow skips, just after it sent the event.
TIMED_OUT: Final = "timed_out"
# What Airflow gives as the error message of a DAG run that it ended itself, in words.
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
