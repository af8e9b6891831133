"""Adds a connection, for scripts."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from connections.actions import DuplicateName, create_connection
from connections.endpoint import endpoint_url
from connections.models import Connection


class Command(BaseCommand):
    # They load every page, which takes longer than all else; `migrate` and the tests run them.
    requires_system_checks = ()
    help = "Adds a connection, and says where its orchestrator sends events."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="display name, unique")
        parser.add_argument("--type", required=True, choices=Connection.Type.values)
        parser.add_argument("--json", action="store_true", help='{"id", "name", "type", "endpoint"}')

    def handle(self, *, name: str, **options: Any) -> None:
        try:
            connection = create_connection(name=name, type=options["type"], created_by=None, now=timezone.now())
        except DuplicateName as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        endpoint = endpoint_url(connection)
        if options["json"]:
            fields = {"id": str(connection.id), "name": connection.name, "type": connection.type}
            self.stdout.write(json.dumps({**fields, "endpoint": endpoint}))
            return
        self.stdout.write(f"Added {connection.name}, id {connection.id}.")
        self.stdout.write(f"It takes events at {endpoint}")
        self.stdout.write(f"Make a key for it: manage.py create_api_key {connection.id} NAME")
