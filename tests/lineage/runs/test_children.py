"""Child runs are counted and chosen by state as each one's `shown_state` has it, though most are not asked for it."""

from collections import Counter
from typing import Any

import pytest

from lineage.models import Run, RunState
from lineage.runs.children import child_counts, children_in_state
from lineage.runs.relations import children_of
from tests.lineage.airflow import dag_event, dag_run_id, task_event
from tests.lineage.conftest import Sender

pytestmark = pytest.mark.django_db


def assert_same(run: Run) -> int:
    """How many children it has."""
    children = children_of(run)
    ids = {"connection_id": run.connection_id, "parent_id": run.id}
    shown = {(child.connection_id, child.id): child.shown_state for child in children}
    assert child_counts(children, **ids) == Counter(shown.values())
    for state in RunState.values:
        chosen = {(child.connection_id, child.id) for child in children_in_state(children, state, **ids)}
        assert chosen == {id_ for id_, of in shown.items() if of == state}, state
    return len(shown)


def test_of_all_samples(sender: Sender, sample_lines: Any) -> None:
    sender.send(*sample_lines())
    assert sum(map(assert_same, Run.objects.of(sender.connection))) > 100


def test_of_mapped_tasks_that_are_tried_again_skipped_and_still_open(sender: Sender) -> None:
    events = [dag_event("START", 0)]
    for index in range(4):
        events += [task_event("START", 1, map_index=index), task_event("FAIL", 2, map_index=index)]
        events += [task_event("START", 3, map_index=index, attempt=2)]
        events += [task_event("COMPLETE", 4, map_index=index, attempt=2)] if index else []
    # One that skips itself reports COMPLETE.
    events += [task_event("START", 5, "clean"), task_event("COMPLETE", 6, "clean")]
    sender.send(*events, dag_event("COMPLETE", 9, {"load": "failed", "clean": "skipped", "publish": "upstream_failed"}))
    assert assert_same(Run.objects.get(connection=sender.connection, id=dag_run_id())) == 10
