"""Further databases on the PostgreSQL that a benchmark started."""

import psycopg
from psycopg import sql

from tests.serving import OwnDatabase


def another_database(database: OwnDatabase, name: str) -> str:
    """The URL of a new and empty one."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return psycopg.conninfo.make_conninfo(database.url, dbname=name)


def another_product_database(database: OwnDatabase, name: str) -> OwnDatabase:
    """A new one with the product's tables."""
    made = OwnDatabase(another_database(database, name), database.cluster)
    made.manage("migrate", "--verbosity", "0")
    return made
