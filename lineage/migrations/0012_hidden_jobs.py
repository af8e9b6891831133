"""Indexes for the few jobs and runs that are shown under another name: counts of lineage look for them."""

from django.db import migrations

INDEXES = """
CREATE INDEX lineage_job_hidden ON lineage_job (connection_id, id) WHERE is_hidden;
CREATE INDEX lineage_run_joined ON lineage_run (connection_id, job_id) WHERE joined_in IS NOT NULL;
"""
NO_INDEXES = "DROP INDEX lineage_job_hidden, lineage_run_joined;"


class Migration(migrations.Migration):
    dependencies = [("lineage", "0011_relations")]

    operations = [migrations.RunSQL(INDEXES, NO_INDEXES)]
