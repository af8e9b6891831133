"""Words in which pages speak of dbt: text alone."""

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
        "Tests of it have no result: they could not be run, or dbt skipped them for --fail-fast, which is told in the "
        "same words."
    ),
    on_missing_errors=Advice(
        "By default dbt-ol sends no error messages. To see them here, run it with", "--consume-structured-logs"
    ),
)
