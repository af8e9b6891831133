"""Attempts have the code of their refusal and the connection of a foreign key; a test is an outcome of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0007_access"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="code",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
        migrations.AddField(
            model_name="attempt",
            name="key_connection_id",
            field=models.UUIDField(blank=True, null=True, verbose_name="connection of the key"),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="outcome",
            field=models.CharField(
                choices=[("stored", "Stored"), ("repeat", "Repeat"), ("rejected", "Rejected"), ("test", "Test")],
                max_length=10,
            ),
        ),
    ]
