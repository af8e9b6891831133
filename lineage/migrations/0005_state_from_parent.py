"""A task that its DAG run reports: its state and duration are named by where they come from."""

from importlib import import_module

from django.db import migrations, models

RENAME = """
ALTER TABLE lineage_run RENAME COLUMN told_state TO state_from_parent;
ALTER TABLE lineage_run RENAME COLUMN told_duration_ms TO duration_from_parent_ms;
ALTER TABLE lineage_run RENAME CONSTRAINT lineage_run_told_state_known TO lineage_run_state_from_parent_known;
ALTER INDEX lineage_run_told RENAME TO lineage_run_reported;
"""
RENAME_BACK = """
ALTER INDEX lineage_run_reported RENAME TO lineage_run_told;
ALTER TABLE lineage_run RENAME CONSTRAINT lineage_run_state_from_parent_known TO lineage_run_told_state_known;
ALTER TABLE lineage_run RENAME COLUMN duration_from_parent_ms TO told_duration_ms;
ALTER TABLE lineage_run RENAME COLUMN state_from_parent TO told_state;
"""
STATES = import_module("lineage.migrations.0003_shown_states").STATES
STATE = models.GeneratedField(
    expression=models.Case(
        models.When(state_from_parent__isnull=False, then=models.F("state_from_parent")),
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
    dependencies = [("lineage", "0004_states_are_stored")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(RENAME, RENAME_BACK)],
            state_operations=[
                migrations.RenameField("run", "told_state", "state_from_parent"),
                migrations.RenameField("run", "told_duration_ms", "duration_from_parent_ms"),
                # PostgreSQL renames the column in this expression by itself.
                migrations.AlterField("run", "state", STATE),
            ],
        ),
    ]
