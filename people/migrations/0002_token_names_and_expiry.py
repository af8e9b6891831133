from datetime import timedelta

from django.db import migrations, models
from django.db.models.functions import Now

import connections.names


def name_and_end_those_there(apps, schema_editor):
    """Tokens made before they had a name are named after their public part, and work for 90 more days."""
    tokens = apps.get_model("people", "ApiToken").objects.all()
    tokens.update(name=models.F("lookup"), expires_at=Now() + timedelta(days=90))


class Migration(migrations.Migration):
    dependencies = [("people", "0001_api_tokens"), ("api", "0002_tokens_moved_to_people")]

    operations = [
        migrations.AddField(
            "apitoken",
            "name",
            models.CharField(default="", max_length=100, validators=[connections.names.validate_name]),
            preserve_default=False,
        ),
        migrations.AddField(
            "apitoken",
            "last_characters",
            models.CharField(default="", editable=False, max_length=4),
            preserve_default=False,
        ),
        migrations.AddField("apitoken", "expires_at", models.DateTimeField(null=True)),
        migrations.RunPython(name_and_end_those_there, migrations.RunPython.noop),
        migrations.AlterField("apitoken", "expires_at", models.DateTimeField()),
        migrations.AddConstraint(
            "apitoken",
            models.UniqueConstraint(fields=["user", "name"], name="one_name_a_token_of_a_person"),
        ),
    ]
