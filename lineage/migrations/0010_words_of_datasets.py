"""Words of datasets and of their columns, by which search finds them.

Schemas that are stored already get the names of their columns here.
"""

from typing import Any

from django.db import migrations, models

from lineage.database.bodies import decompress
from lineage.events.dataset_facets import names_of_columns

ADD_NAMES = "ALTER TABLE lineage_content ADD COLUMN names text NOT NULL DEFAULT ''"
SCHEMAS = """
SELECT content.connection_id, content.id, content.body FROM lineage_content AS content
WHERE EXISTS (
    SELECT FROM lineage_fact AS fact
    WHERE fact.connection_id = content.connection_id AND fact.content_id = content.id AND fact.kind = 'schema'
)
"""
GIVE_NAMES = """
UPDATE lineage_content AS content SET names = said.names
FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS said (connection_id, id, names)
WHERE content.connection_id = said.connection_id AND content.id = said.id
"""
INDEXES = """
CREATE INDEX lineage_content_words ON lineage_content USING gin (lineage_words(names, '')) WITH (fastupdate = off)
    WHERE names <> '';
CREATE INDEX lineage_dataset_words ON lineage_dataset USING gin (lineage_words(name, namespace))
    WITH (fastupdate = off);
CREATE INDEX lineage_fact_of_schema ON lineage_fact (content_id) WHERE kind = 'schema';
"""
CHUNK = 1_000


def add_words(apps: Any, schema_editor: Any) -> None:
    del apps
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(ADD_NAMES)
        cursor.execute(f"DECLARE schemas NO SCROLL CURSOR FOR {SCHEMAS}")
        while True:
            cursor.execute(f"FETCH {CHUNK} FROM schemas")
            rows = [(connection, id_, names_of_columns(decompress(body))) for connection, id_, body in cursor]
            if not rows:
                break
            cursor.execute(GIVE_NAMES, [list(column) for column in zip(*rows, strict=True)])
        cursor.execute("CLOSE schemas")
    schema_editor.execute(INDEXES)


class Migration(migrations.Migration):
    dependencies = [("lineage", "0009_believed_ends")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add_words)],
            state_operations=[migrations.AddField("content", "names", models.TextField(default=""))],
        ),
    ]
