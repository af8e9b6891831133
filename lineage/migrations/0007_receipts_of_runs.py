"""Receipts of the first and the last event of runs: a clock of the year 2099 must not pin a run to the top of lists.

Runs that are stored already have no receipt, so their times are believed as sent, until `rebuild_lineage` reads the
receipts from the stored events.
"""

from django.db import migrations, models
from django.db.models.functions import Coalesce, Least

# The columns are added at once, so that PostgreSQL writes the table once. Indexes with `run_at` are dropped with it.
RECEIPTS = """
ALTER TABLE lineage_run
    DROP COLUMN run_at,
    ADD COLUMN received_at timestamptz,
    ADD COLUMN last_received_at timestamptz,
    ADD COLUMN run_at timestamptz NOT NULL GENERATED ALWAYS AS (LEAST(
        COALESCE(started_at, first_event_at),
        ((received_at AT TIME ZONE 'UTC') + interval '300 seconds') AT TIME ZONE 'UTC'
    )) STORED,
    ADD COLUMN silent_since timestamptz NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN last_event_at < ((last_received_at AT TIME ZONE 'UTC') - interval '3653 days') AT TIME ZONE 'UTC'
            THEN last_received_at
            ELSE LEAST(
                last_event_at,
                ((last_received_at AT TIME ZONE 'UTC') + interval '300 seconds') AT TIME ZONE 'UTC'
            )
        END
    ) STORED;
"""
NO_RECEIPTS = """
ALTER TABLE lineage_run
    DROP COLUMN silent_since,
    DROP COLUMN run_at,
    DROP COLUMN last_received_at,
    DROP COLUMN received_at,
    ADD COLUMN run_at timestamptz NOT NULL GENERATED ALWAYS AS (COALESCE(started_at, first_event_at)) STORED;
"""
INDEXES = """
CREATE INDEX lineage_run_newest ON lineage_run (connection_id, run_at DESC, id DESC);
CREATE INDEX lineage_run_newest_of_all ON lineage_run (run_at DESC, id DESC, connection_id DESC);
CREATE INDEX lineage_run_newest_of_job ON lineage_run (connection_id, job_id, run_at DESC, id DESC);
CREATE INDEX lineage_run_newest_shown_in_state ON lineage_run (connection_id, shown_state, run_at DESC, id DESC)
    WHERE NOT is_hidden AND shown_state <> 'COMPLETED';
CREATE INDEX lineage_run_shown_instance
    ON lineage_run (connection_id, parent_run_id, job_id, shown_state, run_at DESC, id DESC)
    WHERE map_index IS NOT NULL AND shown_state IN ('FAILED', 'LOST', 'RUNNING');
CREATE INDEX lineage_run_by_orchestrator_run_id
    ON lineage_run (orchestrator_run_id, run_at DESC, id DESC, connection_id DESC) WHERE orchestrator_run_id <> '';
"""
LATEST = "((%(expressions)s AT TIME ZONE 'UTC') + interval '300 seconds') AT TIME ZONE 'UTC'"
EARLIEST = "((%(expressions)s AT TIME ZONE 'UTC') - interval '3653 days') AT TIME ZONE 'UTC'"


def from_receipt(received_at: str, template: str) -> models.Func:
    return models.Func(models.F(received_at), template=template, output_field=models.DateTimeField())


def generated(expression: models.Func | models.Case) -> models.GeneratedField:
    return models.GeneratedField(expression=expression, output_field=models.DateTimeField(), db_persist=True)


RUN_AT = Least(Coalesce("started_at", "first_event_at"), from_receipt("received_at", LATEST))
SILENT_SINCE = models.Case(
    models.When(last_event_at__lt=from_receipt("last_received_at", EARLIEST), then=models.F("last_received_at")),
    default=Least(models.F("last_event_at"), from_receipt("last_received_at", LATEST)),
)


class Migration(migrations.Migration):
    dependencies = [("lineage", "0006_identity_of_runs")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(RECEIPTS, NO_RECEIPTS + INDEXES),
                migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
            ],
            state_operations=[
                migrations.AddField("run", "received_at", models.DateTimeField(null=True)),
                migrations.AddField("run", "last_received_at", models.DateTimeField(null=True)),
                migrations.AlterField("run", "run_at", generated(RUN_AT)),
                migrations.AddField("run", "silent_since", generated(SILENT_SINCE)),
            ],
        ),
    ]
