"""Opens a source: reads its secret, and makes what asks its system."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from uuid import UUID

from lineage.models import Run
from pull.http.client import Client
from pull.http.hosts import AllowedHosts
from pull.models import PullSource
from pull.open_runs import StoredOpenRuns
from pull.secrets import decrypt
from pull.sources import room_of
from pull.sources.fetched import KnownRun
from pull.sources.fetcher import Fetcher, Memory, Opened


def open_source(source: PullSource, *, memory: Memory, allowed: AllowedHosts) -> tuple[Fetcher, Client]:
    """Make what asks the source's system. Raises SecretUnreadable, and Fault for an address that may not be asked."""
    room = room_of(source.system)
    url = room.url(source.config)
    secret = decrypt(source.pk, url, source.secret) if source.secret else {}
    client = Client(url, allowed)
    client_of = partial(Client, allowed=allowed)
    find_runs, open_runs = _finder(source.connection_id), StoredOpenRuns(source.pk)
    opened = Opened(source.config, secret, client, client_of, find_runs, memory, open_runs)
    return room.open(opened), client


def _finder(connection_id: UUID) -> Callable[[Collection[str]], Iterable[KnownRun]]:
    def find(names: Collection[str]) -> Iterable[KnownRun]:
        found = Run.objects.filter(connection_id=connection_id, orchestrator_run_id__in=names, joined_ids__isnull=True)
        columns = ("job__name", "orchestrator_run_id", "run_id", "started_at")
        return [KnownRun(*row) for row in found.values_list(*columns)] if names else []

    return find
