"""Parts of Airflow's facets that hold code and arguments of tasks."""

from typing import Final

from connections.privacy import PrivacyClass
from lineage.events.senders.sender import EACH, AllBut

# Fields of the facet's `task` that say how the task is scheduled. With the provider's setting `include_full_task_info`
# there are all others, too: commands, SQL, arguments, environment.
_SCHEDULING: Final = frozenset(
    {
        "depends_on_past",
        "downstream_task_ids",
        "ignore_first_depends_on_past",
        "inlets",
        "mapped",
        "multiple_outputs",
        "operator_class",
        "operator_class_path",
        "operator_provider_version",
        "outlets",
        "owner",
        "priority_weight",
        "queue",
        "retries",
        "retry_exponential_backoff",
        "task_group",
        "task_id",
        "trigger_rule",
        "upstream_task_ids",
        "wait_for_downstream",
        "wait_for_past_depends_before_skipping",
    }
)
PRIVATE: Final = {
    # Also where code may be seen.
    PrivacyClass.SQL: (
        ("run", "facets", "airflow", "task", "sql"),
        ("run", "facets", "unknownSourceAttribute", "unknownItems", EACH, "properties", "sql"),
    ),
    PrivacyClass.CODE: (
        ("run", "facets", "unknownSourceAttribute"),
        ("run", "facets", "airflow", "task", AllBut(_SCHEDULING)),
        ("run", "facets", "airflow", "dagRun", "conf"),
        ("run", "facets", "airflowDagRun", "dagRun", "conf"),
    ),
}
