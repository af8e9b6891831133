"""Keys that send to many connections, and the namespaces that lead their events there."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import connections.names


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0004_privacy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkspaceKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, validators=[connections.names.validate_name])),
                ("lookup", models.CharField(editable=False, max_length=32, unique=True)),
                ("last_characters", models.CharField(editable=False, max_length=8)),
                ("secret_hash", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "scope",
                    models.CharField(
                        choices=[("all", "All connections"), ("chosen", "Chosen connections")],
                        default="all",
                        max_length=10,
                    ),
                ),
                (
                    "unmatched",
                    models.CharField(
                        choices=[("refuse", "Refuse the event"), ("create", "Make a connection")],
                        default="refuse",
                        max_length=10,
                        verbose_name="namespace without a connection",
                    ),
                ),
                ("connections", models.ManyToManyField(blank=True, related_name="+", to="connections.connection")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "default_connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="UnmatchedNamespace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("namespace", models.CharField(blank=True, db_collation="C", max_length=500)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("no_route", "No connection takes this namespace"),
                            ("removed", "Its connection was removed"),
                            ("out_of_scope", "Its connection is not among those of the key"),
                            ("no_job", "They name no namespace, and the key has no connection for them"),
                            ("limit", "Events made as many connections as they may"),
                            ("name", "No connection can be made with this name, or another one has it"),
                        ],
                        max_length=20,
                    ),
                ),
                ("job_name", models.CharField(blank=True, max_length=500, verbose_name="job")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("airflow", "Airflow with OpenLineage"),
                            ("dbt", "dbt Core with OpenLineage"),
                            ("openlineage", "Any OpenLineage producer"),
                        ],
                        max_length=20,
                        verbose_name="connection type",
                    ),
                ),
                ("last_at", models.DateTimeField()),
                (
                    "workspace_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unmatched_namespaces",
                        to="connections.workspacekey",
                    ),
                ),
            ],
            options={
                "ordering": ["-last_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("namespace", models.CharField(db_collation="C", max_length=500)),
                ("created_at", models.DateTimeField()),
                (
                    "made_by_event",
                    models.BooleanField(default=False, verbose_name="its connection was made by an event"),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="routes",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "ordering": ["namespace"],
                "constraints": [models.UniqueConstraint(fields=("namespace",), name="route_namespace_unique")],
            },
        ),
        migrations.AddConstraint(
            model_name="workspacekey",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"),
                name="workspace_key_name_unique",
                violation_error_message="There is a workspace key with this name already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="workspacekey",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope", "all"), ("unmatched", "refuse"), _connector="OR"),
                name="workspace_key_of_chosen_makes_none",
            ),
        ),
        migrations.AddConstraint(
            model_name="unmatchednamespace",
            constraint=models.UniqueConstraint(
                fields=("workspace_key", "namespace"), name="unmatched_namespace_unique"
            ),
        ),
    ]
