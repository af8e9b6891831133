"""Worker: takes turns at the sources that are due, several at once, until it is stopped."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from pull import leases
from pull.http.hosts import AllowedHosts
from pull.leases import Lease, LeaseLost
from pull.sources.fetcher import Memory
from pull.sync import sync

log = structlog.get_logger(__name__)

THREADS = 8
# Seconds between two looks at what is due.
_LOOK = 1.0
_AFTER_ERROR = 5.0


class Worker:
    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._allowed = AllowedHosts.parse(settings.PULL_ALLOWED_HOSTS)
        # Of the sources that this worker fetched from.
        self._memories: dict[UUID, Memory] = {}

    def run(self, *, once: bool = False) -> None:
        """Fetch from each source when it is due. `once`: return as soon as none is."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="sync") as threads:
            for _ in range(THREADS):
                threads.submit(self._take_turns, once=once)

    def _take_turns(self, *, once: bool) -> None:
        while not self._stop.is_set():
            try:
                lease = leases.claim(now=timezone.now())
                if lease is not None:
                    self._sync(lease)
                elif once:
                    return
                else:
                    self._stop.wait(_LOOK)
            except Exception:
                # Most likely the database is away. Nobody would restart this thread.
                log.exception("sync_failed")
                self._stop.wait(_AFTER_ERROR)
            finally:
                connection.close()

    def _sync(self, lease: Lease) -> None:
        memory = self._memories.setdefault(lease.source_id, {})
        try:
            sync(lease, memory=memory, allowed=self._allowed)
        except LeaseLost:
            log.warning("lease_lost", source_id=str(lease.source_id))
