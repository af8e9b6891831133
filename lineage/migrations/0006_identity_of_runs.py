"""A run is identified by the sender's run id, the job and the map index, because some senders give one run id to several.

Runs that are stored already get the id that today's version would give them. `rebuild_lineage` takes apart those that
were stored as one.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from lineage.events.identity import run_row_id

COLUMNS = """
ALTER TABLE lineage_run
    ADD COLUMN run_id uuid,
    ADD COLUMN job_kind text NOT NULL DEFAULT '',
    ADD COLUMN failure_stands boolean NOT NULL DEFAULT false,
    ADD COLUMN joined_ids uuid[],
    ADD COLUMN joined_in uuid,
    ADD COLUMN shares_run_id boolean NOT NULL DEFAULT false;
ALTER TABLE lineage_job ADD COLUMN latest_run_sent_id uuid;
CREATE TEMP TABLE new_id (connection_id uuid, id uuid, row_id uuid, PRIMARY KEY (connection_id, id)) ON COMMIT DROP;
"""
RUNS = "SELECT connection_id, id, job_id, map_index FROM lineage_run"
NEW_IDS = """
UPDATE lineage_run AS run
SET id = new_id.row_id, run_id = new_id.id, job_kind = job.kind,
    failure_stands = COALESCE(run.terminal_type = 'FAIL' AND job.integration = 'SPARK', false),
    -- Without the job, which never changes now: parent run and invocation.
    left_families = (
        SELECT array_agg(one.id ORDER BY one.place)
        FROM unnest(run.left_families) WITH ORDINALITY AS one (id, place) WHERE one.place % 3 <> 2
    )
FROM new_id, lineage_job AS job
WHERE run.connection_id = new_id.connection_id AND run.id = new_id.id
    AND job.connection_id = run.connection_id AND job.id = run.job_id;
UPDATE lineage_event AS event SET subject_id = new_id.row_id FROM new_id
WHERE event.kind = 'RUN' AND event.connection_id = new_id.connection_id AND event.subject_id = new_id.id;
UPDATE lineage_mark AS mark SET run_id = new_id.row_id FROM new_id
WHERE mark.connection_id = new_id.connection_id AND mark.run_id = new_id.id;
UPDATE lineage_transition AS transition SET run_id = new_id.row_id FROM new_id
WHERE transition.connection_id = new_id.connection_id AND transition.run_id = new_id.id;
UPDATE lineage_job AS job SET latest_run_id = new_id.row_id, latest_run_sent_id = new_id.id FROM new_id
WHERE job.connection_id = new_id.connection_id AND job.latest_run_id = new_id.id;
"""
INDEXES = """
ALTER TABLE lineage_run ALTER COLUMN run_id SET NOT NULL;
CREATE INDEX lineage_run_by_run_id ON lineage_run (connection_id, run_id);
"""
CHUNK = 10_000


def give_new_ids(apps: Any, schema_editor: Any) -> None:
    del apps
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for rows in _chunks(cursor):
            cursor.execute(
                "INSERT INTO new_id SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[])",
                [list(column) for column in zip(*rows, strict=True)],
            )
        cursor.execute("ANALYZE new_id")
        cursor.execute(NEW_IDS)
    # The indexes are built when all rows have their ids.
    schema_editor.execute(INDEXES)


def _chunks(cursor: Any) -> Iterator[list[tuple[Any, Any, Any]]]:
    """Yield (connection id, former id, new id) of all runs."""
    cursor.execute(f"DECLARE runs NO SCROLL CURSOR FOR {RUNS}")
    while True:
        cursor.execute(f"FETCH {CHUNK} FROM runs")
        rows = cursor.fetchall()
        if not rows:
            break
        yield [(connection, id_, run_row_id(id_, job, map_index)) for connection, id_, job, map_index in rows]
    cursor.execute("CLOSE runs")


class Migration(migrations.Migration):
    dependencies = [("lineage", "0005_state_from_parent")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(give_new_ids)],
            state_operations=[
                migrations.AddField("run", "run_id", models.UUIDField()),
                migrations.AddField("run", "job_kind", models.TextField(default="")),
                migrations.AddField("run", "failure_stands", models.BooleanField(default=False)),
                migrations.AddField(
                    "run", "joined_ids", ArrayField(base_field=models.UUIDField(), null=True, size=None)
                ),
                migrations.AddField("run", "joined_in", models.UUIDField(null=True)),
                migrations.AddField("run", "shares_run_id", models.BooleanField(default=False)),
                migrations.AddField("job", "latest_run_sent_id", models.UUIDField(null=True)),
            ],
        ),
    ]
