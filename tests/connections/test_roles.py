"""Viewer, editor, administrator: what the migration gives to each."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from connections.roles import EDITOR, EDITOR_PERMISSIONS

pytestmark = pytest.mark.django_db

VERBS = [f"connections.{permission}" for permission in EDITOR_PERMISSIONS]


@pytest.fixture
def migrated_again() -> Group:
    """The group as the migration makes it, whatever tests with transactions of their own left of it."""
    Group.objects.filter(name=EDITOR).delete()
    call_command("migrate", "connections", "0001", verbosity=0)
    call_command("migrate", "connections", verbosity=0)
    return Group.objects.get(name=EDITOR)


def test_the_migration_makes_the_group_of_editors(migrated_again: Group) -> None:
    permissions = migrated_again.permissions.values_list("content_type__app_label", "codename")
    assert sorted(permissions) == sorted(("connections", codename) for codename in EDITOR_PERMISSIONS)
    # Django makes none of them a second time.
    models = list(apps.get_app_config("connections").get_models())
    assert Permission.objects.filter(content_type__app_label="connections").count() == sum(
        len(model._meta.default_permissions) + len(model._meta.permissions) for model in models
    )


def test_each_role_has_what_it_needs_and_no_more(viewer: User, editor: User, administrator: User) -> None:
    assert not any(viewer.has_perm(verb) for verb in VERBS)
    assert editor.get_all_permissions() == set(VERBS)
    assert all(administrator.has_perm(verb) for verb in VERBS)
    assert [user.is_staff for user in (viewer, editor, administrator)] == [False, False, True]


def test_who_leaves_the_group_has_nothing_of_it(editor: User) -> None:
    editor.groups.clear()
    assert not User.objects.get(pk=editor.pk).has_perm("connections.add_connection")
