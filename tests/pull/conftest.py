"""Sources that are fetched from, each with a connection of its own."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from connections.actions import create_connection
from pull import leases
from pull.actions import set_up_source
from pull.http.hosts import AllowedHosts
from pull.models import PullSource, SyncRun
from pull.sync import sync
from tests.pull.airflow.replay import NAMESPACE, NOW, PASSWORD

ALLOWED = AllowedHosts.parse(["127.0.0.1"])


@pytest.fixture(autouse=True)
def keys_of_secrets(settings: Any) -> None:
    settings.SECRETS_KEY = [Fernet.generate_key().decode()]
    settings.PULL_ALLOWED_HOSTS = ["127.0.0.1"]


def set_up(url: str, *, password: str = PASSWORD, **options: Any) -> PullSource:
    now = timezone.now()
    connection = create_connection(name=uuid.uuid4().hex, type="airflow", created_by=None, now=now)
    return set_up_source(
        connection=connection,
        system="airflow",
        config={"url": url, "username": "viewer", "namespace": NAMESPACE},
        secret={"secret": password},
        created_by=None,
        now=now,
        **options,
    )


def fetch(source: PullSource, clock: Callable[[], datetime] = lambda: NOW, memory: Any = None) -> SyncRun:
    """Take a turn at the source, which is due, and return what became of it."""
    PullSource.objects.filter(pk=source.pk).update(next_at=clock() - timedelta(days=365))
    lease = leases.claim(now=clock())
    assert lease is not None
    assert lease.source_id == source.pk
    sync(lease, memory={} if memory is None else memory, allowed=ALLOWED, clock=clock)
    source.refresh_from_db()
    return SyncRun.objects.get(pk=lease.sync_id)
