"""What derived states when rows were read: a function, and indexes of runs by what their own events say."""

from importlib import import_module

from django.db import migrations

CREATE_FUNCTION = import_module("lineage.migrations.0002_ended_above").ENDED_ABOVE
DROP = """
DROP FUNCTION lineage_ended_above(uuid, uuid, uuid, text, timestamptz);
DROP INDEX lineage_run_newest_in_state, lineage_run_newest_not_well, lineage_run_running_of_job, lineage_run_looked_for;

-- The states that are rare, each by itself: a search among all runs would read most of them.
CREATE INDEX lineage_run_newest_shown_in_state ON lineage_run (connection_id, shown_state, run_at DESC, id DESC)
    WHERE NOT is_hidden AND shown_state <> 'COMPLETED';
"""
CREATE = (
    CREATE_FUNCTION
    + """;
DROP INDEX lineage_run_newest_shown_in_state;
CREATE INDEX lineage_run_newest_in_state ON lineage_run (connection_id, state, run_at DESC, id DESC)
    WHERE state NOT IN ('COMPLETED', 'RUNNING');
CREATE INDEX lineage_run_newest_not_well ON lineage_run (connection_id, run_at DESC, id DESC)
    WHERE state IN ('FAILED', 'RUNNING', 'UNKNOWN');
CREATE INDEX lineage_run_running_of_job ON lineage_run (connection_id, job_id, run_at DESC, id DESC)
    WHERE state = 'RUNNING';
CREATE INDEX lineage_run_looked_for ON lineage_run (connection_id, invocation_id, node_id) WHERE node_id IS NOT NULL;
"""
)


class Migration(migrations.Migration):
    dependencies = [("lineage", "0003_shown_states")]

    operations = [migrations.RunSQL(DROP, CREATE)]
