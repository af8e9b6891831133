"""Names of jobs of which two senders say something."""

import pytest

from lineage.events.decode import decode_event
from tests.lineage.build import at, run_event


@pytest.mark.parametrize(
    ("integration", "kind", "name"), [("AIRFLOW", "TASK", "shop.orders.run"), ("DBT", "MODEL", "model.shop.orders")]
)
def test_a_task_that_carries_a_dbt_node_keeps_its_name(integration: str, kind: str, name: str) -> None:
    facets = {
        "jobType": {"jobType": kind, "integration": integration, "processingType": "BATCH"},
        "dbt_node": {"unique_id": "model.shop.orders", "database": "shop", "schema": "main", "alias": "orders"},
    }
    event = decode_event(run_event("COMPLETE", at(0), job="shop.orders.run", job_facets=facets))
    assert event.job is not None
    assert event.job.name == name
