"""Django's migrate, which never keeps the running product waiting for long."""

import time
from typing import Any, Final

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

# While a migration waits for a table, all who come after it wait for the migration.
_LOCK_TIMEOUT: Final = "1500ms"
_TRIES: Final = 20
_PAUSE_SECONDS: Final = 3.0
_LOCK_NOT_AVAILABLE: Final = "55P03"


class Command(migrate.Command):
    """Waits 1.5 s at most for a lock, and tries again later: each migration is one transaction, so that nothing is
    half done."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        for remaining in range(_TRIES - 1, -1, -1):
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
                if not remaining:
                    raise CommandError(
                        "A table that is to be changed stays in use: end what reads it for long."
                    ) from None
                self.stderr.write(f"A table is in use; trying again in {_PAUSE_SECONDS:.0f} s.")
                time.sleep(_PAUSE_SECONDS)
            else:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
                return
