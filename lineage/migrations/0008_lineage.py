"""Tables of the lineage: what events say of datasets, beside which job reads or writes which dataset.

Datasets and edges that are stored already get their new columns. `rebuild_lineage` reads from the stored events what
they said of datasets.
"""

from typing import Any

from django.db import migrations, models

import lineage.database.bodies
from lineage.events.identity import base_id, match_id

TABLES = """
ALTER TABLE lineage_job ADD COLUMN declared_at timestamptz;
ALTER TABLE lineage_edge
    ADD COLUMN declared_at timestamptz,
    -- Bits, see lineage/events/effects.py. Edges that are stored already moved data, as far as is known.
    ADD COLUMN effects integer NOT NULL DEFAULT 1;
ALTER TABLE lineage_dataset ADD COLUMN match_id uuid, ADD COLUMN base_id uuid;

CREATE TABLE lineage_content (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT lineage_content_key PRIMARY KEY (connection_id, id)
);
ALTER TABLE lineage_content ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE lineage_fact (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    subject_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    side text COLLATE "C" NOT NULL,
    content_id uuid NOT NULL,
    first_at timestamptz NOT NULL,
    last_hour timestamptz NOT NULL,
    CONSTRAINT lineage_fact_key PRIMARY KEY (connection_id, id)
) WITH (fillfactor = 80);
CREATE INDEX lineage_fact_of_subject ON lineage_fact (subject_id, kind, connection_id);

CREATE TABLE lineage_alias (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    alias_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    first_event_hour timestamptz NOT NULL,
    last_event_hour timestamptz NOT NULL,
    CONSTRAINT lineage_alias_key PRIMARY KEY (connection_id, id)
) WITH (fillfactor = 80);
CREATE INDEX lineage_alias_of_dataset ON lineage_alias (dataset_id);
CREATE INDEX lineage_alias_by_alias ON lineage_alias (alias_id);

CREATE TABLE lineage_change (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    change text COLLATE "C" NOT NULL,
    previous_id uuid,
    at timestamptz NOT NULL,
    CONSTRAINT lineage_change_key PRIMARY KEY (connection_id, id)
);
CREATE INDEX lineage_change_of_run ON lineage_change (connection_id, run_id);
CREATE INDEX lineage_change_of_dataset ON lineage_change (dataset_id, at DESC);
CREATE INDEX lineage_change_of_previous ON lineage_change (previous_id) WHERE previous_id IS NOT NULL;

CREATE TABLE lineage_measure (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    direction text NOT NULL,
    said_at timestamptz NOT NULL,
    row_count bigint,
    byte_count bigint,
    file_count bigint,
    version text COLLATE "C" NOT NULL,
    CONSTRAINT lineage_measure_key PRIMARY KEY (connection_id, id)
);
CREATE INDEX lineage_measure_of_run ON lineage_measure (connection_id, run_id);
CREATE INDEX lineage_measure_of_dataset ON lineage_measure (dataset_id, said_at DESC) WHERE direction = 'WRITES';

CREATE TABLE lineage_check (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    column_name text COLLATE "C" NOT NULL,
    assertion text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    said_at timestamptz NOT NULL,
    failed boolean NOT NULL,
    has_result boolean NOT NULL,
    severity text COLLATE "C" NOT NULL,
    expected text COLLATE "C" NOT NULL,
    actual text COLLATE "C" NOT NULL,
    CONSTRAINT lineage_check_key PRIMARY KEY (connection_id, id)
);
CREATE INDEX lineage_check_of_run ON lineage_check (connection_id, run_id);
CREATE INDEX lineage_check_of_dataset ON lineage_check (dataset_id, said_at DESC);
"""
DATASETS = "SELECT connection_id, id, namespace, name FROM lineage_dataset"
GIVE_IDS = """
UPDATE lineage_dataset AS dataset SET match_id = said.match_id, base_id = said.base_id
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[]) AS said (connection_id, id, match_id, base_id)
WHERE dataset.connection_id = said.connection_id AND dataset.id = said.id
"""
INDEXES = """
ALTER TABLE lineage_dataset ALTER COLUMN match_id SET NOT NULL, ALTER COLUMN base_id SET NOT NULL;
CREATE INDEX lineage_dataset_by_id ON lineage_dataset (id);
CREATE INDEX lineage_dataset_by_match ON lineage_dataset (match_id);
CREATE INDEX lineage_dataset_by_base ON lineage_dataset (base_id);
DROP INDEX lineage_edge_of_dataset;
CREATE INDEX lineage_edge_of_dataset ON lineage_edge (dataset_id, direction, connection_id) INCLUDE (job_id, id);
CREATE INDEX lineage_run_with_edges ON lineage_run (connection_id, job_id, run_at DESC, id DESC) WHERE edge_ids <> '{}';
"""
CHUNK = 10_000


def make_tables(apps: Any, schema_editor: Any) -> None:
    del apps
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TABLES)
        cursor.execute(f"DECLARE datasets NO SCROLL CURSOR FOR {DATASETS}")
        while True:
            cursor.execute(f"FETCH {CHUNK} FROM datasets")
            rows = [(connection, id_, match_id(ns, name), base_id(ns, name)) for connection, id_, ns, name in cursor]
            if not rows:
                break
            cursor.execute(GIVE_IDS, [list(column) for column in zip(*rows, strict=True)])
        cursor.execute("CLOSE datasets")
    schema_editor.execute(INDEXES)


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
    dependencies = [("lineage", "0007_receipts_of_runs")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make_tables)],
            state_operations=[
                migrations.AddField("job", "declared_at", models.DateTimeField(null=True)),
                migrations.AddField("edge", "declared_at", models.DateTimeField(null=True)),
                migrations.AddField("edge", "effects", models.IntegerField(default=1)),
                migrations.AddField("dataset", "match_id", models.UUIDField()),
                migrations.AddField("dataset", "base_id", models.UUIDField()),
                model("Content", body=lineage.database.bodies.BodyField()),
                model(
                    "Fact",
                    subject_id=models.UUIDField(),
                    kind=models.TextField(),
                    side=models.TextField(choices=[("READS", "Reads"), ("WRITES", "Writes"), ("DATASET", "Dataset")]),
                    content_id=models.UUIDField(),
                    first_at=models.DateTimeField(),
                    last_hour=models.DateTimeField(),
                ),
                model(
                    "Alias",
                    dataset_id=models.UUIDField(),
                    alias_id=models.UUIDField(),
                    kind=models.TextField(),
                    first_event_hour=models.DateTimeField(),
                    last_event_hour=models.DateTimeField(),
                ),
                model(
                    "Change",
                    run_id=models.UUIDField(),
                    dataset_id=models.UUIDField(),
                    change=models.TextField(),
                    previous_id=models.UUIDField(null=True),
                    at=models.DateTimeField(),
                ),
                model(
                    "Measure",
                    run_id=models.UUIDField(),
                    dataset_id=models.UUIDField(),
                    direction=models.TextField(),
                    said_at=models.DateTimeField(),
                    row_count=models.BigIntegerField(null=True),
                    byte_count=models.BigIntegerField(null=True),
                    file_count=models.BigIntegerField(null=True),
                    version=models.TextField(),
                ),
                model(
                    "Check",
                    run_id=models.UUIDField(),
                    dataset_id=models.UUIDField(),
                    column_name=models.TextField(),
                    assertion=models.TextField(),
                    name=models.TextField(),
                    said_at=models.DateTimeField(),
                    failed=models.BooleanField(),
                    has_result=models.BooleanField(),
                    severity=models.TextField(),
                    expected=models.TextField(),
                    actual=models.TextField(),
                ),
            ],
        ),
    ]
