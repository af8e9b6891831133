"""Tables are as migrations left them after a test with transactions of its own."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.utils import timezone

from connections.roles import EDITOR, EDITOR_PERMISSIONS
from lineage.models import Event
from tests.emptying import tables_with_rows
from tests.lineage.build import at, run_event
from tests.lineage.conftest import make_sender


@pytest.mark.django_db(transaction=True)
def test_what_tests_stored_is_gone_and_what_migrations_stored_is_there(editor: User) -> None:
    make_sender().send(run_event("COMPLETE", at(0)), now=timezone.now())
    tables = [Event._meta.db_table, "lineage_run", "connections_connection", "auth_user", "auth_user_groups"]
    assert tables_with_rows(tables) == tables

    # As Django does after each of these tests.
    call_command("flush", interactive=False, verbosity=0)

    assert tables_with_rows(tables) == []
    names = Permission.objects.filter(group=Group.objects.get(name=EDITOR)).values_list("codename", flat=True)
    assert set(names) == set(EDITOR_PERMISSIONS)
