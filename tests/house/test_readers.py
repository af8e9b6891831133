"""Pages and the API read for a person: only what that person may see."""

import ast
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser, User

from connections.models import ApiKey, Connection
from lineage.models import Dataset, Edge, Event, Job, Run
from lineage.runs.relations import children_of
from lineage.search.query import Search
from tests.house.files import ROOT, committed
from tests.house.routes import World

ANONYMOUS = AnonymousUser()
# Rooms that read for a person. mypy sees that `visible` gets one; `live` is for work that is done for nobody.
ROOMS = ("web", "api", "lineage/runs", "lineage/jobs", "lineage/overview", "lineage/search")


def _calls_of_live(path: Path) -> list[str]:
    calls = (node.func for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))
    return [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for call in calls
        if isinstance(call, ast.Attribute) and call.attr == "live"
    ]


def test_what_reads_for_a_person_reads_only_what_is_visible() -> None:
    read = [path for path in committed(".py") if str(path.relative_to(ROOT)).startswith(tuple(f"{r}/" for r in ROOMS))]

    assert read
    assert [call for path in read for call in _calls_of_live(path)] == []


@pytest.mark.django_db
def test_who_is_signed_in_sees_what_nobody_removed_and_others_nothing(viewer: User) -> None:
    World()
    for model in (Connection, ApiKey, Job, Run, Event, Dataset, Edge):
        manager = model.objects
        assert (manager.visible(viewer).count(), manager.visible(ANONYMOUS).count()) == (1, 0), model
    run, name = Run.objects.get(), Connection.objects.get().name
    assert list(Search(name, viewer).visible) == [run.connection_id]
    assert Search(str(run.run_id), viewer).runs(1) == [run]
    assert not Search(name, ANONYMOUS).visible
    assert not Search(str(run.run_id), ANONYMOUS).runs(1)
    assert not Search("j", ANONYMOUS).places_of_jobs()
    assert not children_of(run, ANONYMOUS)
    Connection.objects.update(removed_at="2026-03-02T12:00:00Z")
    for model in (Connection, ApiKey, Job, Run, Event, Dataset, Edge):
        assert not model.objects.visible(viewer), model
