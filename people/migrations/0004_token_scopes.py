from django.db import migrations, models


def keep_rights(apps, schema_editor):
    """Tokens from before scopes go on reading what they read."""
    apps.get_model("people", "ApiToken").objects.update(scopes="read read:hidden")


class Migration(migrations.Migration):
    dependencies = [("people", "0003_note_sessions")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=models.CharField(default="read", editable=False, max_length=64),
        ),
        migrations.RunPython(keep_rights, migrations.RunPython.noop),
    ]
