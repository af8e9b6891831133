from django.db import migrations


class Migration(migrations.Migration):
    """The table stays: `people` took it over."""

    dependencies = [("api", "0001_api_token"), ("people", "0001_api_tokens")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("ApiToken")]),
    ]
