"""Texts with which pages describe dbt."""

from typing import Final

from lineage.events.senders.sender import Advice, Words

INTEGRATION: Final = "DBT"
WORDS: Final = Words(
    name="dbt",
    title="dbt",
    run_id_title="dbt invocation id",
    run_id="the `invocation_id` of a dbt command",
    run_id_in_search="invocation id",
    skips_by_need=True,
    tests_without_result=(
        "Some tests have no result: dbt could not run them, or skipped them because of --fail-fast. Its events do not "
        "distinguish the two."
    ),
    on_missing_errors=Advice(
        "By default dbt-ol sends no error messages. To see them here, run it with", "--consume-structured-logs"
    ),
)
# For versions that send no number of failed rows.
MAYBE_NOT_FAILED: Final = (
    "dbt-ol before 1.47 sends tests that only warned or were skipped as failed ones, so these may not have failed."
)
