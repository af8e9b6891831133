"""Jobs keep the usual duration of their runs. Columns without values: `manage.py maintain` computes them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lineage", "0013_states_in_indexes")]

    operations = [
        migrations.AddField("job", "usual_seconds", models.FloatField(null=True)),
        migrations.AddField("job", "usual_at_run_id", models.UUIDField(null=True)),
        migrations.AddField("job", "usual_at_state", models.TextField(null=True)),
    ]
