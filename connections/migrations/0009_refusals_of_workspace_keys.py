"""Workspace keys have their newest refused request that concerned no connection."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0008_attempt_codes"),
    ]

    operations = [
        migrations.AddField(
            model_name="workspacekey",
            name="refused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workspacekey",
            name="refused_status",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="HTTP status"),
        ),
        migrations.AddField(
            model_name="workspacekey",
            name="refused_reason",
            field=models.CharField(blank=True, db_default="", max_length=500),
        ),
        migrations.AddField(
            model_name="workspacekey",
            name="refused_code",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
    ]
