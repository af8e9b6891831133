"""Command that rebuilds jobs, runs, datasets, edges and activity from the stored events."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.utils import timezone

from connections.models import Connection
from lineage.upkeep.rebuild.rebuild import Rebuilt, Removed, rebuild_connection


class Command(BaseCommand):
    # They load every page, which takes longer than all else; `migrate` and the tests run them.
    requires_system_checks = ()
    help = (
        "Rebuilds jobs, runs and datasets from the stored events, and corrects rows that differ. "
        "Observatory may run meanwhile. If the command is interrupted, run it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connection", type=UUID, metavar="ID", help="only this connection")

    def handle(self, *, connection: UUID | None, **_options: Any) -> None:
        connections = Connection.objects.live().order_by("created_at", "id")
        if connection is not None:
            connections = connections.filter(pk=connection)
            if not connections:
                raise CommandError(f"There is no connection {connection}.")
        for each in list(connections):
            try:
                rebuilt = rebuild_connection(each, clock=timezone.now)
            except Removed:
                continue
            self.stdout.write(f"{each.name}: {_summary(rebuilt)}")


def _summary(rebuilt: Rebuilt) -> str:
    changed = [f"{count} of {table}" for table, count in rebuilt.changed.items() if count]
    unreadable = f" ({rebuilt.unreadable} of them cannot be read; the log names them)" if rebuilt.unreadable else ""
    rows = f"rows changed: {', '.join(changed)}" if changed else "every row was right"
    return f"{rebuilt.events} events{unreadable}; {rows}"
