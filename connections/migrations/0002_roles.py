"""The group of those who add, rename and remove connections, and make and delete their keys."""

from django.db import migrations

EDITOR = "Editor"
MODELS = {"connection": "connection", "apikey": "API key"}
VERBS = ("add", "change", "delete")


def create_editor_group(apps, schema_editor):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.db_manager(alias)
    permissions = apps.get_model("auth", "Permission").objects.db_manager(alias)
    group, _ = apps.get_model("auth", "Group").objects.db_manager(alias).get_or_create(name=EDITOR)
    for model, verbose_name in MODELS.items():
        content_type, _ = content_types.get_or_create(app_label="connections", model=model)
        for verb in VERBS:
            # Django makes permissions only after all migrations; made here, it finds them and leaves them be.
            permission, _ = permissions.get_or_create(
                content_type=content_type,
                codename=f"{verb}_{model}",
                defaults={"name": f"Can {verb} {verbose_name}"},
            )
            group.permissions.add(permission)


def delete_editor_group(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.db_manager(schema_editor.connection.alias)
    groups.filter(name=EDITOR).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0001_connections_keys_attempts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(create_editor_group, delete_editor_group)]
