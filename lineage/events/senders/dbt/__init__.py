"""dbt with dbt-ol (seen with openlineage-dbt 1.54 and 1.30)."""

from typing import Final

from lineage.events.senders.dbt import nodes, results, runs
from lineage.events.senders.dbt.words import INTEGRATION, WORDS
from lineage.events.senders.sender import Sender

DBT: Final = Sender(
    integrations={INTEGRATION: WORDS},
    producers={"dbt": INTEGRATION},
    run_facets=("dbt_run",),
    job_facets=("dbt_node",),
    shapes={"dbt_run": (runs.Invocation,)},
    job_shapes={"dbt_node": (nodes.Node,)},
    name_and_parent=nodes.name_and_parent,
    derived_type=nodes.derived_type,
    run_facts=runs.run_facts,
    reports_tests=results.reports_tests,
    test_state=results.state_of,
    note_on_failed_tests=results.note_on_failed_tests,
)
