"""Django's changepassword command, audited."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.db import transaction

from audit.models import Verb
from audit.record import record


class Command(changepassword.Command):
    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> Any:
        said = super().handle(*args, **options)
        # Without a name it changes that of the person whose name is the operating system's account.
        record(Verb.PASSWORD_CHANGED, User.objects.get(username=options["username"] or getpass.getuser()))
        return said
