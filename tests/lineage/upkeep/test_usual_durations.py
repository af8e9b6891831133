"""Usual durations are stored by `maintain`, and are what they would be without."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from connections.models import Connection
from lineage.jobs.statistics import usual_durations
from lineage.models import Job
from lineage.upkeep.rebuild.rebuild import rebuild_connection
from lineage.upkeep.usual_durations import refresh_usual_durations
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender

pytestmark = pytest.mark.django_db


def complete(sender: Sender, number: int, *, seconds: int, job: str = "load") -> None:
    for type_, second in (("START", 0), ("COMPLETE", seconds)):
        sender.send(run_event(type_, at(100 * number + second), run=str(UUID(int=number)), job=job))


def usual(connection: Connection) -> dict[str, timedelta]:
    jobs = {job.id: job.name for job in Job.objects.filter(connection=connection)}
    return {jobs[id_]: one for id_, one in usual_durations([(connection.pk, id_) for id_ in jobs]).items()}


def test_a_stored_usual_duration_follows_the_runs(sender: Sender) -> None:
    for number in (1, 2, 3):
        complete(sender, number, seconds=10 * number)
    complete(sender, 4, seconds=5, job="rare")
    computed = usual(sender.connection)
    assert computed == {"load": timedelta(seconds=20)}, "too few runs of the other job completed"

    assert refresh_usual_durations() == 2
    assert refresh_usual_durations() == 0, "nothing ran since"
    assert usual(sender.connection) == computed
    assert Job.objects.get(name="load").usual_seconds == 20

    for number in (5, 6):
        complete(sender, number, seconds=50)
        complete(sender, number + 2, seconds=7, job="rare")
    assert usual(sender.connection) == computed, "until the next minute"
    assert refresh_usual_durations() == 2
    assert usual(sender.connection) == {"load": timedelta(seconds=30), "rare": timedelta(seconds=7)}


def test_rebuilding_has_them_computed_anew(sender: Sender) -> None:
    for number in (1, 2, 3):
        complete(sender, number, seconds=10)
    refresh_usual_durations()
    Job.objects.update(usual_seconds=1)
    rebuild_connection(sender.connection, clock=timezone.now)
    assert usual(sender.connection) == {"load": timedelta(seconds=10)}
    assert refresh_usual_durations() == 1
