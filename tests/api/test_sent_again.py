"""A dbt command that was sent again, in another form, adds nothing to any list."""

from collections.abc import Callable
from typing import Any

import pytest

from lineage.models import Job, Run
from tests.lineage.conftest import make_sender
from tests.lineage.replays import replayed_as

pytestmark = pytest.mark.django_db

SampleLines = Callable[..., list[bytes]]


def test_lists_are_what_they_were(read: Callable[..., Any], sample_lines: SampleLines) -> None:
    sender, structured = make_sender(), sample_lines("dbt-build-struct")
    sender.send(*structured)
    model = Job.objects.get(name="model.shop.stg_orders").id
    paths = [
        f"connections/{sender.connection.pk}",
        *(
            f"connections/{sender.connection.pk}/{what}"
            for what in ("jobs", "jobs?kind=TEST", "jobs?search=test", "runs")
        ),
        f"jobs/{model}",
        "search?q=stg_orders",
        "runs",
    ]
    before = [without_times(read(path)) for path in paths]
    sender.send(*replayed_as(structured, sample_lines("dbt-build-fail")))
    assert [without_times(read(path)) for path in paths] == before
    tests = Run.objects.get(job__name="model.shop.stg_orders.test")
    ids = read(f"runs/{tests.run_id}")["shown_one_by_one"]
    assert len(ids) == 3
    assert [read(f"runs/{id_}")["shown_one_by_one"] for id_ in ids] == [None] * 3
    assert read(f"jobs/{tests.job_id}")["latest_run"] is None


def without_times(answer: Any) -> Any:
    """Time passed meanwhile, and events came that said anew what jobs read and write."""
    ignored = ("last_event_at", "reads", "writes", "runs_per_day")
    if isinstance(answer, dict):
        return {name: without_times(value) for name, value in answer.items() if name not in ignored}
    return [without_times(value) for value in answer] if isinstance(answer, list) else answer
