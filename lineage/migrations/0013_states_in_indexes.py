"""Indexes of the newest runs hold their shown state, so that runs of a day are counted without reading the runs."""

from django.db import migrations

WITH_STATES = """
DROP INDEX lineage_run_newest, lineage_run_newest_of_job;
CREATE INDEX lineage_run_newest ON lineage_run (connection_id, run_at DESC, id DESC) INCLUDE (shown_state, is_hidden);
CREATE INDEX lineage_run_newest_of_job ON lineage_run (connection_id, job_id, run_at DESC, id DESC)
    INCLUDE (shown_state, is_hidden);
"""
WITHOUT_STATES = """
DROP INDEX lineage_run_newest, lineage_run_newest_of_job;
CREATE INDEX lineage_run_newest ON lineage_run (connection_id, run_at DESC, id DESC);
CREATE INDEX lineage_run_newest_of_job ON lineage_run (connection_id, job_id, run_at DESC, id DESC);
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0012_hidden_jobs")]

    operations = [migrations.RunSQL(WITH_STATES, WITHOUT_STATES)]
