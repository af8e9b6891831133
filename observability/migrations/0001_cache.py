"""The table of Django's database cache, as createcachetable makes it: what all processes remember together."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE observability_cache (
                cache_key varchar(255) NOT NULL PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX observability_cache_expires ON observability_cache (expires);
            """,
            "DROP TABLE observability_cache",
        )
    ]
