"""Sends sample events to the running server, for tries and for scripts."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from connections.kinds import KINDS
from connections.models import Connection
from quickstart.demo.cases import CASES, send_by_namespace, send_to_connection
from quickstart.demo.send import DemoRefused


class Command(BaseCommand):
    help = "Sends two weeks of sample events over HTTP, as a sender would, with a key that is deleted afterwards."

    def add_arguments(self, parser: ArgumentParser) -> None:
        to = parser.add_mutually_exclusive_group(required=True)
        to.add_argument("--connection", metavar="NAME", help="to the endpoint of this connection")
        to.add_argument("--namespace", help="to the workspace endpoint, in jobs of this namespace")
        parser.add_argument("--case", choices=sorted(CASES), help="default: that of the connection's type")
        parser.add_argument("--url", default=settings.LOCAL_URL, help="of the server; default: LOCAL_URL")

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        try:
            if name := options["connection"]:
                connection = Connection.objects.live().get(name__iexact=name)
                case = options["case"] or connection.type
                sent = send_to_connection(options["url"], connection=connection, case=case, now=now)
            else:
                namespace, case = options["namespace"], options["case"] or KINDS[-1].value
                sent = send_by_namespace(options["url"], namespace=namespace, case=case, now=now)
        except Connection.DoesNotExist:
            raise CommandError(f"There is no connection with the name {name}.") from None
        except DemoRefused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Sent {sent} events.")
