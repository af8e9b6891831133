"""Workers that are killed with SIGKILL while they fetch: nothing is missing, nothing double, the cursor is right."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from lineage.models import Event
from pull.models import PullSource, SyncRun
from pull.worker import Worker
from tests.faults.scale import scaled
from tests.lineage.commands import ROOT
from tests.pull.airflow.replay import replayed
from tests.pull.airflow.test_fetched import shown_of
from tests.pull.conftest import keys_of_secrets, set_up
from tests.pull.local_server import LocalServer
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# Requests of a whole fetch.
_REQUESTS = 120

__all__ = ["keys_of_secrets"]


@contextmanager
def fetcher() -> Iterator[tuple[IO[str], IO[str]]]:
    """Yields the ends of its stdin and stdout."""
    url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=database.settings_dict["NAME"])
    environment = os.environ | {
        "DATABASE_URL": url,
        "SECRETS_KEY": ",".join(settings.SECRETS_KEY),
        "PULL_ALLOWED_HOSTS": "127.0.0.1",
    }
    command = [sys.executable, "-m", "tests.faults.fetcher_to_kill"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdin, process.stdout
        process.stdin.close()


def fetch_all(source: PullSource) -> None:
    PullSource.objects.filter(pk=source.pk).update(next_at=timezone.now() - timedelta(days=1), lease_until=None)
    Worker(threading.Event()).run(once=True)
    source.refresh_from_db()


def test_what_was_fetched_is_whole_however_often_the_worker_was_killed() -> None:
    chance = random.Random(1)
    with replayed() as (server, _):
        quiet, source = set_up(server.url, backfill_days=1), set_up(server.url, backfill_days=1)
        PullSource.objects.filter(pk=source.pk).update(next_at=timezone.now() + timedelta(days=1))
        fetch_all(quiet)
        killed = 0
        with fetcher() as (stdin, stdout):
            while killed < scaled(4, 100):
                killed += kill_on_the_way(source, server, stdin, stdout, chance)
                assert PullSource.objects.get(pk=source.pk).cursor is None
        fetch_all(source)
    assert (source.cursor, source.backfilled_to) != (None, None)
    assert shown_of(source.connection_id) == shown_of(quiet.connection_id)
    stored = [Event.objects.filter(connection_id=one.connection_id).count() for one in (source, quiet)]
    assert stored[0] == stored[1]
    outcomes = SyncRun.objects.filter(source=source).values_list("outcome", flat=True)
    assert set(outcomes) == {"interrupted", "ok"}


def kill_on_the_way(
    source: PullSource, server: LocalServer, stdin: IO[str], stdout: IO[str], chance: random.Random
) -> bool:
    """Let a worker fetch, and kill it after some requests. Returns whether it was killed in time."""
    PullSource.objects.filter(pk=source.pk).update(next_at=timezone.now() - timedelta(days=1), lease_until=None)
    enough = len(server.asked) + chance.randint(1, _REQUESTS)
    stdin.write("\n")
    stdin.flush()
    worker = int(stdout.readline())
    wait_until(lambda: len(server.asked) >= enough, "it asked")
    os.kill(worker, signal.SIGKILL)
    assert stdout.readline() == "ended\n"
    return True
