import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0009_refusals_of_workspace_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PullSource",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "system",
                    models.CharField(
                        choices=[
                            ("airflow", "Airflow"),
                            ("composer", "Google Cloud Composer"),
                            ("data_factory", "Azure Data Factory"),
                            ("databricks", "Databricks Workflows"),
                            ("dbt", "dbt Core"),
                            ("glue", "AWS Glue"),
                            ("step_functions", "AWS Step Functions"),
                        ],
                        max_length=20,
                    ),
                ),
                ("config", models.JSONField(default=dict)),
                ("secret", models.TextField(blank=True, editable=False)),
                (
                    "every_minutes",
                    models.PositiveSmallIntegerField(default=5, verbose_name="minutes between two syncs"),
                ),
                ("backfill_days", models.PositiveSmallIntegerField(default=7, verbose_name="days to fetch at first")),
                ("created_at", models.DateTimeField()),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("cursor", models.DateTimeField(blank=True, editable=False, null=True)),
                ("backfilled_to", models.DateTimeField(blank=True, editable=False, null=True)),
                ("backfill_to", models.DateTimeField(blank=True, editable=False, null=True)),
                ("jobs_read_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("failures", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("next_at", models.DateTimeField(editable=False)),
                ("asked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pull_source",
                        to="connections.connection",
                    ),
                ),
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
            ],
        ),
        migrations.CreateModel(
            name="OpenRun",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source_id", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField(db_collation="C")),
                ("first_seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="open_runs", to="pull.pullsource"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Described",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source_id", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField(db_collation="C")),
                ("fingerprint", models.UUIDField()),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="described", to="pull.pullsource"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("running", "Under way"),
                            ("ok", "Complete"),
                            ("partial", "In part"),
                            ("failed", "Failed"),
                            ("interrupted", "Interrupted"),
                        ],
                        default="running",
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("code", models.CharField(blank=True, max_length=40)),
                ("calls", models.PositiveIntegerField(default=0)),
                ("events", models.PositiveIntegerField(default=0)),
                ("new_events", models.PositiveIntegerField(default=0)),
                ("problems", models.JSONField(default=dict)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="syncs", to="pull.pullsource"
                    ),
                ),
            ],
            options={
                "ordering": ["-began_at", "-id"],
            },
        ),
        migrations.AddIndex(
            model_name="pullsource",
            index=models.Index(fields=["next_at"], name="source_due"),
        ),
        migrations.AddConstraint(
            model_name="pullsource",
            constraint=models.CheckConstraint(
                condition=models.Q(("every_minutes__range", (1, 60))), name="source_every_1_to_60"
            ),
        ),
        migrations.AddConstraint(
            model_name="pullsource",
            constraint=models.CheckConstraint(
                condition=models.Q(("backfill_days__range", (0, 90))), name="source_backfill_days"
            ),
        ),
        migrations.AddIndex(
            model_name="syncrun",
            index=models.Index(fields=["source", "-began_at", "-id"], name="sync_newest"),
        ),
    ]
