"""Django's migrate command, without long waits for the running product."""

import time
from typing import Any, Final

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

# While a migration waits for a table, later statements on the table wait for the migration.
_LOCK_TIMEOUT: Final = "1500ms"
_TRIES: Final = 20
_PAUSE_SECONDS: Final = 3.0
_LOCK_NOT_AVAILABLE: Final = "55P03"


class Command(migrate.Command):
    """Waits 1.5 s at most for a lock, and then tries again later. Each migration is one transaction, so none is left
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
                        "A table that must be changed stays in use: end the long transactions that use it."
                    ) from None
                self.stderr.write(f"A table is in use; trying again in {_PAUSE_SECONDS:.0f} s.")
                time.sleep(_PAUSE_SECONDS)
            else:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
                return
