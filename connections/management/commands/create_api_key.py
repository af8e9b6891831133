"""Makes an API key, for scripts."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from connections.actions import DuplicateKeyName, NewApiKey, create_api_key
from connections.models import Connection


class Command(BaseCommand):
    # They load every page, which takes longer than all else; `migrate` and the tests run them.
    requires_system_checks = ()
    help = "Makes an API key for a connection. It is printed this once, and kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection_id", metavar="CONNECTION_ID", type=UUID)
        parser.add_argument("name", metavar="NAME", help="by which people know the key")
        parser.add_argument("--json", action="store_true", help='{"name", "key"}')

    def handle(self, *, connection_id: UUID, name: str, **options: Any) -> None:
        new = _create(connection_id, name)
        if options["json"]:
            self.stdout.write(json.dumps({"name": new.api_key.name, "key": new.text}))
            return
        self.stdout.write(f"API key {new.api_key.name}, shown this once:")
        self.stdout.write(new.text)


def _create(connection_id: UUID, name: str) -> NewApiKey:
    try:
        connection = Connection.objects.live().get(pk=connection_id)
        return create_api_key(connection=connection, name=name, created_by=None, now=timezone.now())
    except Connection.DoesNotExist:
        raise CommandError(f"There is no connection with the id {connection_id}.") from None
    except DuplicateKeyName as error:
        raise CommandError(str(error)) from None
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
