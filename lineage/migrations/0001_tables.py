"""The lineage tables. Django's state is below, the tables themselves are SQL of our own, because

- every primary key begins with `connection_id` (one connection is one range of each table, and the tables can be
  distributed by it), which Django cannot say for a model that the admin shows;
- names are compared by code point (COLLATE "C"), as Python does, so that both elect the same of two;
- events are partitioned by `event_time`: a retried event carries the same one, so the primary key finds the repeat
  whichever partition it falls into.
"""

from datetime import UTC, datetime, timedelta

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models

import lineage.database.bodies

# The words of a job's name, by which people search: lineage/search/search.py cuts what they type in the same way. Those of the
# namespace have a mark in front. Its cost tells PostgreSQL not to call it for each row.
WORDS = r"""
CREATE FUNCTION lineage_words(name text, namespace text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
RETURN array_to_tsvector(ARRAY(
    SELECT left(lower(word COLLATE "default"), 60) FROM (
        SELECT unnest(regexp_split_to_array(name, '[\x01-/:-@\[-`{-\x7f]+'))
        UNION ALL
        SELECT (regexp_matches(
            name, '[0-9]+|[A-Z]+(?![a-z\x80-\U0010ffff])|[A-Z]?[a-z\x80-\U0010ffff]+', 'g'
        ))[1]
        UNION ALL
        SELECT '@' || unnest(regexp_split_to_array(namespace, '[\x01-/:-@\[-`{-\x7f]+'))
    ) AS said (word)
    WHERE word NOT IN ('', '@')
))
"""

TABLES = """
CREATE TABLE lineage_event (
    connection_id uuid NOT NULL,
    event_time timestamptz NOT NULL,
    id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    kind text NOT NULL CONSTRAINT lineage_event_kind_known CHECK (kind IN ('RUN', 'JOB', 'DATASET')),
    event_type text,
    subject_id uuid NOT NULL,
    -- As received: its size, and itself as a frame of zstd (lineage/database/bodies.py).
    body_bytes integer NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT lineage_event_stored_once PRIMARY KEY (connection_id, event_time, id)
) PARTITION BY RANGE (event_time);
-- It does not compress any further. Each partition takes this over.
ALTER TABLE lineage_event ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX lineage_event_of_subject ON lineage_event (connection_id, subject_id, event_time);
-- What was received since, or before: some bytes for each MB of a partition. Retention asks under a lock.
CREATE INDEX lineage_event_received ON lineage_event USING brin (received_at);
-- A new partition can be attached only after all of this one was read, under a lock: its rows keep apart the
-- bodies that make them longer than 2 kB. PostgreSQL looks at no shorter ones.
CREATE TABLE lineage_event_default PARTITION OF lineage_event DEFAULT WITH (toast_tuple_target = 128);

CREATE TABLE lineage_job (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    integration text COLLATE "C" NOT NULL,
    processing_type text COLLATE "C" NOT NULL,
    described_at timestamptz,
    description text COLLATE "C" NOT NULL DEFAULT '',
    description_said_at timestamptz,
    owners text[] COLLATE "C" NOT NULL DEFAULT '{}',
    owners_said_at timestamptz,
    tags text[] COLLATE "C" NOT NULL DEFAULT '{}',
    tags_said_at timestamptz,
    schedule text COLLATE "C" NOT NULL DEFAULT '',
    schedule_timezone text COLLATE "C" NOT NULL DEFAULT '',
    schedule_said_at timestamptz,
    source_url text COLLATE "C" NOT NULL DEFAULT '',
    source_said_at timestamptz,
    parent_job_id uuid,
    parent_job_namespace text COLLATE "C" NOT NULL DEFAULT '',
    parent_job_name text COLLATE "C" NOT NULL DEFAULT '',
    parent_said_at timestamptz,
    latest_run_id uuid,
    latest_run_state text,
    latest_run_at timestamptz,
    latest_run_started_at timestamptz,
    latest_run_ended_at timestamptz,
    running_runs integer NOT NULL DEFAULT 0 CONSTRAINT lineage_job_running_runs_not_negative CHECK (running_runs >= 0),
    CONSTRAINT lineage_job_key PRIMARY KEY (connection_id, id)
-- A row is written with each of its job's events: long descriptions stay apart, and are not written again.
) WITH (fillfactor = 80, toast_tuple_target = 1024);
CREATE INDEX lineage_job_by_id ON lineage_job (id);
CREATE INDEX lineage_job_of_parent ON lineage_job (connection_id, parent_job_id) WHERE parent_job_id IS NOT NULL;
-- Of columns that never change. Without a list of entries that wait: each search would read all of it.
CREATE INDEX lineage_job_words ON lineage_job USING gin (lineage_words(name, namespace)) WITH (fastupdate = off);

-- What runs are looked up, sorted and judged by stands first: PostgreSQL takes a row apart up to the last column that is
-- asked for.
CREATE TABLE lineage_run (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    run_at timestamptz NOT NULL GENERATED ALWAYS AS (COALESCE(started_at, first_event_at)) STORED,
    first_event_at timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    event_count integer NOT NULL,
    active boolean NOT NULL,
    state text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN told_state IS NOT NULL THEN told_state
            WHEN terminal_type = 'COMPLETE' THEN 'COMPLETED'
            WHEN terminal_type = 'SKIP' THEN 'SKIPPED'
            WHEN terminal_type = 'ABORT' THEN 'ABORTED'
            WHEN terminal_type IS NOT NULL THEN 'FAILED'
            WHEN active THEN 'RUNNING'
            ELSE 'UNKNOWN'
        END
    ) STORED,
    parent_run_id uuid,
    attempt integer,
    map_index integer,
    started_at timestamptz,
    ended_at timestamptz,
    told_state text CONSTRAINT lineage_run_told_state_known
        CHECK (told_state IN ('COMPLETED', 'FAILED', 'SKIPPED', 'UPSTREAM_FAILED')),
    told_duration_ms integer,
    invocation_id uuid,
    needed_job_ids uuid[],
    node_id uuid,
    test_ids uuid[],
    earlier_parent_run_ids uuid[],
    terminal_type text CONSTRAINT lineage_run_terminal_type_known CHECK (
        terminal_type IN (
            'COMPLETE', 'FAIL', 'ABORT', 'SKIP', 'GENERIC_RESULTS', 'SOME_RESULTS', 'LONE_NO_RESULT', 'NO_RESULT'
        )
    ),
    previous_job_id uuid,
    max_attempts integer,
    nominal_start_at timestamptz,
    nominal_end_at timestamptz,
    edge_ids uuid[] NOT NULL DEFAULT '{}',
    external_id text COLLATE "C" NOT NULL,
    parent_job_namespace text COLLATE "C" NOT NULL,
    parent_job_name text COLLATE "C" NOT NULL,
    root_run_id uuid,
    root_job_namespace text COLLATE "C" NOT NULL,
    root_job_name text COLLATE "C" NOT NULL,
    parent_at timestamptz,
    error_message text COLLATE "C",
    error_at timestamptz,
    external_query_id text COLLATE "C" NOT NULL,
    orchestrator_run_id text COLLATE "C" NOT NULL DEFAULT '',
    CONSTRAINT lineage_run_key PRIMARY KEY (connection_id, id),
    CONSTRAINT lineage_run_ended_by_terminal_event CHECK ((terminal_type IS NULL) = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX lineage_run_newest ON lineage_run (connection_id, run_at DESC, id DESC);
-- Of all connections. Two of them may hold runs with one id.
CREATE INDEX lineage_run_newest_of_all ON lineage_run (run_at DESC, id DESC, connection_id DESC);
-- The states that are rare, each by itself: a search among all runs would read most of them.
CREATE INDEX lineage_run_newest_in_state ON lineage_run (connection_id, state, run_at DESC, id DESC)
    WHERE state NOT IN ('COMPLETED', 'RUNNING');
-- What may be shown as failed, retried, running or lost: see lineage/models/state_sql.py, shown_state_sql.py.
CREATE INDEX lineage_run_newest_not_well ON lineage_run (connection_id, run_at DESC, id DESC)
    WHERE state IN ('FAILED', 'RUNNING', 'UNKNOWN');
CREATE INDEX lineage_run_newest_of_job ON lineage_run (connection_id, job_id, run_at DESC, id DESC);
CREATE INDEX lineage_run_running_of_job ON lineage_run (connection_id, job_id, run_at DESC, id DESC)
    WHERE state = 'RUNNING';
-- A job without one is not waited for longer than a day: see lineage/models/shown_state_sql.py.
CREATE INDEX lineage_run_long_of_job ON lineage_run (connection_id, job_id)
    WHERE ended_at - started_at > interval '6 hours';
-- With what tells the tries of an instance from those of a thousand others of its mapped task: see lineage/models/state_sql.py.
CREATE INDEX lineage_run_of_parent
    ON lineage_run (connection_id, parent_run_id, job_id, COALESCE(map_index, -1), attempt)
    WHERE parent_run_id IS NOT NULL;
CREATE INDEX lineage_run_told ON lineage_run (connection_id, parent_run_id, job_id) WHERE told_state IS NOT NULL;
-- What looks at others of its invocation: dbt's tests in doubt, without the models of default mode, which have
-- `needed_job_ids` as well; and tests as default mode sends them, at nodes that were sent by themselves. An index each:
-- beside many invocations of one run, PostgreSQL takes a wider one to tell no more than that of all invocations.
CREATE INDEX lineage_run_in_doubt ON lineage_run (connection_id, invocation_id) WHERE needed_job_ids IS NOT NULL
    AND terminal_type IN ('GENERIC_RESULTS', 'SOME_RESULTS', 'LONE_NO_RESULT', 'NO_RESULT');
CREATE INDEX lineage_run_of_tests ON lineage_run (connection_id, invocation_id) WHERE test_ids IS NOT NULL;
CREATE INDEX lineage_run_looked_for ON lineage_run (connection_id, invocation_id, node_id) WHERE node_id IS NOT NULL;
CREATE INDEX lineage_run_of_invocation ON lineage_run (connection_id, invocation_id, job_id)
    WHERE invocation_id IS NOT NULL;
-- Many runs may be called the same, those of all DAGs that are due at midnight: as lists show them.
CREATE INDEX lineage_run_by_orchestrator_run_id
    ON lineage_run (orchestrator_run_id, run_at DESC, id DESC, connection_id DESC) WHERE orchestrator_run_id <> '';
-- By hash: they are of any length.
CREATE INDEX lineage_run_by_external_id ON lineage_run USING hash (external_id) WHERE external_id <> '';
CREATE INDEX lineage_run_by_external_query_id ON lineage_run USING hash (external_query_id)
    WHERE external_query_id <> '';

CREATE TABLE lineage_dataset (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    described boolean NOT NULL,
    CONSTRAINT lineage_dataset_key PRIMARY KEY (connection_id, id)
);

CREATE TABLE lineage_edge (
    connection_id uuid NOT NULL,
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    dataset_id uuid NOT NULL,
    direction text NOT NULL CONSTRAINT lineage_edge_direction_known CHECK (direction IN ('READS', 'WRITES')),
    first_event_hour timestamptz NOT NULL,
    last_event_hour timestamptz NOT NULL,
    CONSTRAINT lineage_edge_key PRIMARY KEY (connection_id, id)
) WITH (fillfactor = 80);
CREATE INDEX lineage_edge_of_job ON lineage_edge (connection_id, job_id);
CREATE INDEX lineage_edge_of_dataset ON lineage_edge (connection_id, dataset_id);

CREATE TABLE lineage_activity (
    connection_id uuid NOT NULL CONSTRAINT lineage_activity_key PRIMARY KEY,
    first_event_at timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    first_job_name text NOT NULL
);
"""

DROP_TABLES = "DROP TABLE lineage_event, lineage_job, lineage_run, lineage_dataset, lineage_edge, lineage_activity"

# Partitions are weeks, from Monday. These are enough to begin with: `manage.py maintain` makes those that follow.
WEEKS_BEHIND, WEEKS_AHEAD = 5, 4


def create_first_partitions(apps, schema_editor):
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    for week in range(-WEEKS_BEHIND, WEEKS_AHEAD + 1):
        start = monday + timedelta(weeks=week)
        schema_editor.execute(
            f"CREATE TABLE lineage_event_{start:%Y_%m_%d} PARTITION OF lineage_event "
            f"FOR VALUES FROM ('{start}T00:00:00Z') TO ('{start + timedelta(weeks=1)}T00:00:00Z')"
        )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_connections_keys_attempts"),
    ]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION lineage_words(text, text)"),
        migrations.RunSQL(TABLES, DROP_TABLES),
        migrations.RunPython(create_first_partitions, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Activity",
                    fields=[
                        (
                            "connection",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="activity",
                                serialize=False,
                                to="connections.connection",
                            ),
                        ),
                        ("first_event_at", models.DateTimeField()),
                        ("last_event_at", models.DateTimeField()),
                        ("first_job_name", models.TextField(default="")),
                    ],
                    options={
                        "verbose_name_plural": "activity",
                        "db_table": "lineage_activity",
                    },
                ),
                migrations.CreateModel(
                    name="Dataset",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("namespace", models.TextField()),
                        ("name", models.TextField()),
                        ("described", models.BooleanField(default=False)),
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="connections.connection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "lineage_dataset",
                    },
                ),
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("event_time", models.DateTimeField()),
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("received_at", models.DateTimeField()),
                        (
                            "kind",
                            models.TextField(
                                choices=[
                                    ("RUN", "RunEvent"),
                                    ("JOB", "JobEvent"),
                                    ("DATASET", "DatasetEvent"),
                                ]
                            ),
                        ),
                        ("event_type", models.TextField(null=True)),
                        ("subject_id", models.UUIDField()),
                        ("body_bytes", models.IntegerField()),
                        ("body", lineage.database.bodies.BodyField()),
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="connections.connection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "lineage_event",
                        "ordering": ["event_time", "id"],
                    },
                ),
                migrations.CreateModel(
                    name="Job",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("namespace", models.TextField()),
                        ("name", models.TextField()),
                        (
                            "kind",
                            models.TextField(
                                choices=[
                                    ("DAG", "DAG"),
                                    ("TASK", "Task"),
                                    ("MODEL", "Model"),
                                    ("TEST", "Test"),
                                    ("SNAPSHOT", "Snapshot"),
                                    ("SEED", "Seed"),
                                    ("SQL", "SQL"),
                                    ("APPLICATION", "Application"),
                                    ("JOB", "Job"),
                                ],
                                default="JOB",
                            ),
                        ),
                        ("integration", models.TextField(default="")),
                        ("processing_type", models.TextField(default="")),
                        ("described_at", models.DateTimeField(null=True)),
                        ("description", models.TextField(default="")),
                        ("description_said_at", models.DateTimeField(null=True)),
                        (
                            "owners",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.TextField(), default=list, size=None
                            ),
                        ),
                        ("owners_said_at", models.DateTimeField(null=True)),
                        (
                            "tags",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.TextField(), default=list, size=None
                            ),
                        ),
                        ("tags_said_at", models.DateTimeField(null=True)),
                        ("schedule", models.TextField(default="")),
                        ("schedule_timezone", models.TextField(default="")),
                        ("schedule_said_at", models.DateTimeField(null=True)),
                        ("source_url", models.TextField(default="")),
                        ("source_said_at", models.DateTimeField(null=True)),
                        ("parent_job_id", models.UUIDField(null=True)),
                        ("parent_job_namespace", models.TextField(default="")),
                        ("parent_job_name", models.TextField(default="")),
                        ("parent_said_at", models.DateTimeField(null=True)),
                        ("latest_run_id", models.UUIDField(null=True)),
                        (
                            "latest_run_state",
                            models.TextField(
                                choices=[
                                    ("RUNNING", "Running"),
                                    ("COMPLETED", "Completed"),
                                    ("FAILED", "Failed"),
                                    ("ABORTED", "Aborted"),
                                    ("SKIPPED", "Skipped"),
                                    ("UPSTREAM_FAILED", "Upstream failed"),
                                    ("RETRIED", "Retried"),
                                    ("LOST", "Lost"),
                                    ("UNKNOWN", "Unknown"),
                                ],
                                null=True,
                            ),
                        ),
                        ("latest_run_at", models.DateTimeField(null=True)),
                        ("latest_run_started_at", models.DateTimeField(null=True)),
                        ("latest_run_ended_at", models.DateTimeField(null=True)),
                        ("running_runs", models.IntegerField(default=0)),
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="connections.connection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "lineage_job",
                    },
                ),
                migrations.CreateModel(
                    name="Edge",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("dataset_id", models.UUIDField()),
                        ("direction", models.TextField(choices=[("READS", "Reads"), ("WRITES", "Writes")])),
                        ("first_event_hour", models.DateTimeField()),
                        ("last_event_hour", models.DateTimeField()),
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="connections.connection",
                            ),
                        ),
                        (
                            "job",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="edges",
                                to="lineage.job",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "lineage_edge",
                    },
                ),
                migrations.CreateModel(
                    name="Run",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("external_id", models.TextField(default="")),
                        ("previous_job_id", models.UUIDField(null=True)),
                        ("active", models.BooleanField(default=False)),
                        ("terminal_type", models.TextField(null=True)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("ended_at", models.DateTimeField(null=True)),
                        ("first_event_at", models.DateTimeField()),
                        ("last_event_at", models.DateTimeField()),
                        ("event_count", models.IntegerField()),
                        ("nominal_start_at", models.DateTimeField(null=True)),
                        ("nominal_end_at", models.DateTimeField(null=True)),
                        ("attempt", models.IntegerField(null=True)),
                        ("max_attempts", models.IntegerField(null=True)),
                        ("map_index", models.IntegerField(null=True)),
                        ("parent_run_id", models.UUIDField(null=True)),
                        ("parent_job_namespace", models.TextField(default="")),
                        ("parent_job_name", models.TextField(default="")),
                        ("root_run_id", models.UUIDField(null=True)),
                        ("root_job_namespace", models.TextField(default="")),
                        ("root_job_name", models.TextField(default="")),
                        ("parent_at", models.DateTimeField(null=True)),
                        ("error_message", models.TextField(null=True)),
                        ("error_at", models.DateTimeField(null=True)),
                        ("external_query_id", models.TextField(default="")),
                        (
                            "edge_ids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.UUIDField(), default=list, size=None
                            ),
                        ),
                        ("told_state", models.TextField(null=True)),
                        ("told_duration_ms", models.IntegerField(null=True)),
                        (
                            "needed_job_ids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.UUIDField(), null=True, size=None
                            ),
                        ),
                        ("node_id", models.UUIDField(null=True)),
                        (
                            "test_ids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.UUIDField(), null=True, size=None
                            ),
                        ),
                        (
                            "earlier_parent_run_ids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.UUIDField(), null=True, size=None
                            ),
                        ),
                        ("invocation_id", models.UUIDField(null=True)),
                        ("orchestrator_run_id", models.TextField(default="")),
                        (
                            "state",
                            models.GeneratedField(
                                db_persist=True,
                                expression=models.Case(
                                    models.When(told_state__isnull=False, then=models.F("told_state")),
                                    models.When(terminal_type="COMPLETE", then=models.Value("COMPLETED")),
                                    models.When(terminal_type="SKIP", then=models.Value("SKIPPED")),
                                    models.When(terminal_type="ABORT", then=models.Value("ABORTED")),
                                    models.When(terminal_type__isnull=False, then=models.Value("FAILED")),
                                    models.When(active=True, then=models.Value("RUNNING")),
                                    default=models.Value("UNKNOWN"),
                                ),
                                output_field=models.TextField(
                                    choices=[
                                        ("RUNNING", "Running"),
                                        ("COMPLETED", "Completed"),
                                        ("FAILED", "Failed"),
                                        ("ABORTED", "Aborted"),
                                        ("SKIPPED", "Skipped"),
                                        ("UPSTREAM_FAILED", "Upstream failed"),
                                        ("RETRIED", "Retried"),
                                        ("LOST", "Lost"),
                                        ("UNKNOWN", "Unknown"),
                                    ]
                                ),
                            ),
                        ),
                        (
                            "run_at",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.db.models.functions.comparison.Coalesce(
                                    "started_at", "first_event_at"
                                ),
                                output_field=models.DateTimeField(),
                            ),
                        ),
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="connections.connection",
                            ),
                        ),
                        (
                            "job",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="runs",
                                to="lineage.job",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "lineage_run",
                    },
                ),
            ]
        ),
    ]
