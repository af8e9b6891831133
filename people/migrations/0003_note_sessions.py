from django.db import migrations


def end_sessions(apps, schema_editor):
    """Sessions that were not noted could not be listed, nor ended by their owner: everybody signs in once more."""
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_token_names_and_expiry"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(end_sessions, migrations.RunPython.noop)]
