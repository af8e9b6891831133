"""The counts of failed sign-ins, and the addresses from which people signed in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("observability", "0001_cache")]
    operations = [
        migrations.CreateModel(
            name="SignInCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", models.CharField(max_length=64)),
                ("address", models.CharField(max_length=45)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("last_at", models.DateTimeField(null=True)),
                ("is_known", models.BooleanField(default=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["account", "address"], name="one_count_of_sign_ins"),
                ],
            },
        ),
    ]
