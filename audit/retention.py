"""Deletion of old audit entries, the one way that the trigger of the table allows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction

from audit.models import AuditEntry

log: Final = structlog.get_logger(__name__)

# The trigger refuses to delete younger entries: see migrations/0001_entries.py.
LEAST_DAYS: Final = 400
_CHUNK: Final = 5_000


def delete_old_entries(now: datetime, *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Delete entries older than AUDIT_RETENTION_DAYS, until `should_stop()`; a second call deletes the rest.

    Does nothing if AUDIT_RETENTION_DAYS is 0.
    """
    if not settings.AUDIT_RETENTION_DAYS:
        return
    before = now - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    while not should_stop():
        deleted = _delete_chunk(before)
        if deleted:
            log.info("old_audit_entries_deleted", entries=deleted)
        if deleted < _CHUNK:
            return


@transaction.atomic
def _delete_chunk(before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL observatory.audit_retention = 'on'")
    oldest = AuditEntry.objects.filter(at__lt=before).order_by("at", "id").values("pk")[:_CHUNK]
    deleted, _ = AuditEntry.objects.filter(pk__in=oldest).delete()
    return deleted
