import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def make_creators_administrators(apps, schema_editor):
    """Editors administer the connections that they added, as those who add one from now on. Not who is no editor any
    more."""
    access = apps.get_model("connections", "ConnectionAccess").objects
    created = apps.get_model("connections", "Connection").objects.filter(
        created_by__is_active=True,
        created_by__is_superuser=False,
        created_by__groups__name="Editor",
        removed_at__isnull=True,
    )
    model = access.model
    access.bulk_create(
        model(connection_id=connection_id, user_id=user_id, level="admin")
        for connection_id, user_id in created.values_list("pk", "created_by")
    )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("connections", "0006_routes_of_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="visibility",
            field=models.CharField(
                choices=[("everyone", "Everybody"), ("members", "Members only")],
                db_default="everyone",
                default="everyone",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="ConnectionAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "level",
                    models.CharField(
                        choices=[("view", "View"), ("edit", "Edit"), ("admin", "Administer")], max_length=10
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accesses",
                        to="connections.connection",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "connection access",
                "verbose_name_plural": "connection accesses",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("user__isnull", True), ("group__isnull", True), _connector="XOR"),
                        name="access_of_person_or_group",
                    ),
                    models.UniqueConstraint(fields=("connection", "user"), name="access_of_person_unique"),
                    models.UniqueConstraint(fields=("connection", "group"), name="access_of_group_unique"),
                ],
            },
        ),
        migrations.RunPython(make_creators_administrators, migrations.RunPython.noop),
    ]
