"""Command that removes what nobody may see from a connection's stored events."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from audit.models import Verb
from audit.record import record
from connections.models import Connection
from connections.privacy import dropped
from lineage.upkeep.redaction import redact_events


class Command(BaseCommand):
    help = (
        "Removes the parts that the connection's privacy settings show to nobody from its stored events. Observatory "
        "may run meanwhile. If the command is interrupted, run it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection", type=UUID, help="id of the connection")

    def handle(self, *, connection: UUID, **_options: Any) -> None:
        found = Connection.objects.live().filter(pk=connection).first()
        if found is None:
            raise CommandError(f"There is no connection {connection}.")
        classes = sorted(kind.label for kind in dropped(found.audiences))
        if not classes:
            raise CommandError(f"The privacy settings of {found.name} show every class of parts to somebody.")
        read, rewritten = redact_events(found)
        record(Verb.CHANGED, found, {"events rewritten": (None, rewritten)})
        self.stdout.write(f"{found.name}: {rewritten} of {read} events rewritten, without {', '.join(classes)}.")
