"""Ends whose time is believed: an end of the year 2099 must not outvote a FAIL of today.

Runs that are stored already are believed as they are, until `rebuild_lineage` compares the ends in their events.
"""

from importlib import import_module

from django.db import migrations, models

# The columns are changed at once, so that PostgreSQL writes the table once. No index has `state`.
ENDS = """
ALTER TABLE lineage_run
    DROP COLUMN state,
    ADD COLUMN end_is_believed boolean NOT NULL DEFAULT true,
    ADD COLUMN report_is_believed boolean NOT NULL DEFAULT true,
    ADD COLUMN has_undated_failure boolean NOT NULL DEFAULT false,
    ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN state_from_parent IS NOT NULL THEN state_from_parent
            WHEN has_undated_failure AND end_is_believed THEN 'FAILED'
            WHEN terminal_type = 'COMPLETE' THEN 'COMPLETED'
            WHEN terminal_type = 'SKIP' THEN 'SKIPPED'
            WHEN terminal_type = 'ABORT' THEN 'ABORTED'
            WHEN terminal_type IS NOT NULL THEN 'FAILED'
            WHEN active THEN 'RUNNING'
            ELSE 'UNKNOWN'
        END
    ) STORED;
"""
NO_ENDS = """
ALTER TABLE lineage_run
    DROP COLUMN state,
    DROP COLUMN has_undated_failure,
    DROP COLUMN report_is_believed,
    DROP COLUMN end_is_believed,
    ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN state_from_parent IS NOT NULL THEN state_from_parent
            WHEN terminal_type = 'COMPLETE' THEN 'COMPLETED'
            WHEN terminal_type = 'SKIP' THEN 'SKIPPED'
            WHEN terminal_type = 'ABORT' THEN 'ABORTED'
            WHEN terminal_type IS NOT NULL THEN 'FAILED'
            WHEN active THEN 'RUNNING'
            ELSE 'UNKNOWN'
        END
    ) STORED;
"""
STATES = import_module("lineage.migrations.0003_shown_states").STATES
STATE = models.GeneratedField(
    expression=models.Case(
        models.When(state_from_parent__isnull=False, then=models.F("state_from_parent")),
        models.When(has_undated_failure=True, end_is_believed=True, then=models.Value("FAILED")),
        models.When(terminal_type="COMPLETE", then=models.Value("COMPLETED")),
        models.When(terminal_type="SKIP", then=models.Value("SKIPPED")),
        models.When(terminal_type="ABORT", then=models.Value("ABORTED")),
        models.When(terminal_type__isnull=False, then=models.Value("FAILED")),
        models.When(active=True, then=models.Value("RUNNING")),
        default=models.Value("UNKNOWN"),
    ),
    output_field=models.TextField(choices=STATES),
    db_persist=True,
)


class Migration(migrations.Migration):
    dependencies = [("lineage", "0008_lineage")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(ENDS, NO_ENDS)],
            state_operations=[
                migrations.AddField("run", "end_is_believed", models.BooleanField(default=True)),
                migrations.AddField("run", "report_is_believed", models.BooleanField(default=True)),
                migrations.AddField("run", "has_undated_failure", models.BooleanField(default=False)),
                migrations.AlterField("run", "state", STATE),
            ],
        ),
    ]
