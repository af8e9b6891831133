"""Drops the table of Django's database cache, which only counted failed sign-ins."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("observability", "0002_sign_in_counts")]
    operations = [
        migrations.RunSQL(
            "DROP TABLE observability_cache",
            """
            CREATE TABLE observability_cache (
                cache_key varchar(255) NOT NULL PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX observability_cache_expires ON observability_cache (expires);
            """,
        )
    ]
