"""A running run that takes five times its job's median is called slow wherever health is shown."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from connections.models import Connection
from lineage.models import Job, Run, RunState
from tests.web.rows import NOW, job_that_ran, make_activity, make_connection, save

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

MINUTE = timedelta(minutes=1)


def running_job(connection: Connection, name: str, lasting: timedelta) -> Job:
    """Make a job that runs, and whose last three runs took a minute."""
    (made,) = save([job_that_ran(connection, name, RunState.RUNNING, started_at=NOW - lasting)])
    before = [NOW - timedelta(hours=hours) for hours in (2, 3, 4)]
    for earlier in save(job_that_ran(connection, "x", started_at=at, ended_at=at + MINUTE) for at in before):
        Run.objects.filter(job=earlier).update(job=made)
        earlier.delete()
    return made


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def test_slow_jobs_are_named_and_counted(as_viewer: Client) -> None:
    connection = make_connection()
    make_activity(connection)
    slow = running_job(connection, "slow", 5 * MINUTE)
    running_job(connection, "usual", 4 * MINUTE)
    words = "Slow: running for 5 min, 5.0 times its median of 1 min"
    for path in ("/jobs", "/runs", f"/connections/{connection.pk}", f"/connections/{connection.pk}/jobs/{slow.id}"):
        shown = text_of(as_viewer, path)
        assert shown.count(words) == 1, path
        assert "slow: 5 min median 1 min" in shown
    assert "Slow slow" in text_of(as_viewer, "/")
    found = text_of(as_viewer, "/jobs?state=SLOW")
    assert "Failed 0 Lost 0 Slow 1 Running 2" in found
    assert re.search(r" 1 job\b", found)
    assert "Lost 0 Slow 1" in text_of(as_viewer, f"/connections/{connection.pk}")
    assert re.search(r'class="column-slow number"[^>]*><span[^>]*>1<', as_viewer.get("/connections").content.decode())
