"""Additional databases on the PostgreSQL of a benchmark."""

import psycopg
from psycopg import sql

from tests.serving import OwnDatabase


def another_database(database: OwnDatabase, name: str) -> str:
    """Create an empty database, and return its URL."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return psycopg.conninfo.make_conninfo(database.url, dbname=name)


def another_product_database(database: OwnDatabase, name: str) -> OwnDatabase:
    """Create a database with the product's tables."""
    made = OwnDatabase(another_database(database, name), database.cluster)
    made.manage("migrate", "--verbosity", "0")
    return made
