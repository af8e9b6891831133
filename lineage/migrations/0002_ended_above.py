"""A function of PostgreSQL's, for few rows need it, and each statement that it stood in would be planned for all of it."""

from django.db import migrations

# See lineage/models/shown_state_sql.py, which calls it. In its terms: the end is that of `settled_end` in lineage/models/state_sql.py, or
# the beginning of the next try; the parent is that of `parent_of` in lineage/runs/relations.py. At most four are looked at:
# a DAG run is three above a node of dbt's, and runs may name each other.
ENDED_ABOVE = """
CREATE FUNCTION lineage_ended_above(
    run_connection_id uuid, run_id uuid, parent_id uuid, parent_name text, heard_at timestamptz,
    OUT connection_id uuid, OUT id uuid, OUT over_at timestamptz
)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000
AS $$
DECLARE
    holder uuid := run_connection_id;
    below uuid := run_id;
    above record;
    ended timestamptz;
BEGIN
    FOR height IN 1..4 LOOP
        EXIT WHEN parent_id IS NULL OR parent_id = below;
        -- Its own connection, or the one other that has a run with that id and name. The key begins with the
        -- connection: each is looked at.
        IF NOT EXISTS (SELECT FROM lineage_run AS run WHERE run.connection_id = holder AND run.id = parent_id) THEN
            SELECT (array_agg(run.connection_id))[1] INTO holder
            FROM lineage_run AS run
            JOIN lineage_job AS job ON job.connection_id = run.connection_id AND job.id = run.job_id
            WHERE run.id = parent_id AND job.name = parent_name COLLATE "C" AND run.connection_id = ANY (ARRAY(
                SELECT other.id FROM connections_connection AS other WHERE other.removed_at IS NULL
            ))
            HAVING count(*) = 1;
            EXIT WHEN NOT FOUND;
        END IF;

        SELECT run.connection_id, run.id, run.job_id, run.parent_run_id, run.parent_job_name, run.attempt,
            run.map_index, run.started_at, run.ended_at, run.last_event_at
        INTO above FROM lineage_run AS run WHERE run.connection_id = holder AND run.id = parent_id;
        ended := above.ended_at;
        IF ended IS NULL AND above.attempt IS NOT NULL THEN
            SELECT min(try.run_at) INTO ended FROM lineage_run AS try
            WHERE try.connection_id = holder AND try.parent_run_id = above.parent_run_id
                AND try.job_id = above.job_id AND COALESCE(try.map_index, -1) = COALESCE(above.map_index, -1)
                AND try.attempt > above.attempt;
        END IF;
        IF ended IS NULL AND above.map_index IS NULL THEN
            SELECT above.started_at + told.told_duration_ms * interval '1 millisecond' INTO ended
            FROM lineage_run AS told
            WHERE told.connection_id = holder AND told.parent_run_id = above.parent_run_id
                AND told.job_id = above.job_id AND told.told_state IS NOT NULL
            LIMIT 1;
        END IF;

        IF ended IS NOT NULL THEN
            IF ended >= heard_at THEN
                connection_id := holder;
                id := above.id;
                over_at := ended;
            END IF;
            RETURN;
        END IF;
        -- What need not end is not lost, and takes nothing along.
        EXIT WHEN EXISTS (
            SELECT FROM lineage_job AS job
            WHERE job.connection_id = holder AND job.id = above.job_id AND job.processing_type IN ('STREAMING', 'SERVICE')
        );
        below := above.id;
        parent_id := above.parent_run_id;
        parent_name := above.parent_job_name;
        heard_at := greatest(heard_at, above.last_event_at);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0001_tables")]

    operations = [
        migrations.RunSQL(ENDED_ABOVE, "DROP FUNCTION lineage_ended_above(uuid, uuid, uuid, text, timestamptz)"),
    ]
