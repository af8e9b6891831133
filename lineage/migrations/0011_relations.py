"""Relations without an edge between them, and what senders could not extract.

`rebuild_lineage` reads from the stored events what they said of both, and the lineage that they stated.
"""

from typing import Any

from django.db import migrations, models

TABLES = """
CREATE TABLE lineage_relation (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    source_id uuid NOT NULL,
    target_id uuid NOT NULL,
    first_event_hour timestamptz NOT NULL,
    last_event_hour timestamptz NOT NULL,
    CONSTRAINT lineage_relation_key PRIMARY KEY (connection_id, id)
);
CREATE INDEX lineage_relation_of_source ON lineage_relation (source_id);
CREATE INDEX lineage_relation_of_target ON lineage_relation (target_id);

CREATE TABLE lineage_extraction (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    said_at timestamptz NOT NULL,
    failed integer NOT NULL,
    total integer NOT NULL,
    CONSTRAINT lineage_extraction_key PRIMARY KEY (connection_id, id)
);
CREATE INDEX lineage_extraction_of_run ON lineage_extraction (connection_id, run_id);
"""


def make_tables(apps: Any, schema_editor: Any) -> None:
    del apps
    schema_editor.execute(TABLES)


def model(name: str, /, **fields: Any) -> migrations.CreateModel:
    connection: Any = models.ForeignKey(
        "connections.connection",
        db_constraint=False,
        db_index=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
    )
    key = [("connection", connection), ("id", models.UUIDField(primary_key=True, serialize=False))]
    return migrations.CreateModel(name, [*key, *fields.items()], options={"db_table": f"lineage_{name.lower()}"})


class Migration(migrations.Migration):
    dependencies = [("lineage", "0010_words_of_datasets")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make_tables)],
            state_operations=[
                model(
                    "Relation",
                    kind=models.TextField(choices=[("DERIVED", "Derived"), ("DEPENDS", "Depends")]),
                    source_id=models.UUIDField(),
                    target_id=models.UUIDField(),
                    first_event_hour=models.DateTimeField(),
                    last_event_hour=models.DateTimeField(),
                ),
                model(
                    "Extraction",
                    run_id=models.UUIDField(),
                    said_at=models.DateTimeField(),
                    failed=models.IntegerField(),
                    total=models.IntegerField(),
                ),
            ],
        ),
    ]
