"""Copies of a database in which each job ran more often."""

import psycopg
from psycopg import sql

from bench.generator.indexes import without_indexes
from tests.serving import OwnDatabase

# Of stored columns, their names and whether they are times.
_COLUMNS = """
SELECT attname, atttypid = 'timestamptz'::regtype FROM pg_attribute
WHERE attrelid = 'lineage_run'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_COPY_RUNS = sql.SQL("""
INSERT INTO lineage_run ({columns})
SELECT {values}
FROM (SELECT DISTINCT ON (connection_id, job_id) * FROM lineage_run ORDER BY connection_id, job_id, run_at) AS run
CROSS JOIN generate_series(1, {more}) AS earlier (number)
""")


def with_more_runs(database: OwnDatabase, name: str, *, more: int) -> OwnDatabase:
    """Copy a database that nobody uses meanwhile. In the copy the first run of each job comes so many times more, every
    twelve hours before. It has rows of runs only, which is all that lineage reads of them."""
    url = psycopg.conninfo.make_conninfo(database.url, dbname=name)
    original = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
    with psycopg.connect(psycopg.conninfo.make_conninfo(database.url, dbname="template1"), autocommit=True) as session:
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(str(original)))
        )
    with psycopg.connect(url, autocommit=True) as session:
        columns = session.execute(_COLUMNS).fetchall()
        statement = _COPY_RUNS.format(
            columns=sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
            values=sql.SQL(", ").join(_value(column, is_time=is_time) for column, is_time in columns),
            more=more,
        )
        with without_indexes(session, ["lineage_run"]):
            session.execute(statement)
        session.execute("VACUUM (ANALYZE)")
    return OwnDatabase(url, database.cluster)


def _value(column: str, *, is_time: bool) -> sql.Composable:
    if column in ("id", "run_id"):
        return sql.SQL("gen_random_uuid()")
    of_run = sql.Identifier("run", column)
    return sql.SQL("{} - earlier.number * interval '12 hours'").format(of_run) if is_time else of_run
