"""Statements that travel together: all of them are committed, or none."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from lineage.database.arrays import column
from lineage.database.execute import Result, execute, pipeline
from lineage.database.pipeline import STATEMENT_UNKNOWN

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = b"INSERT INTO of_test SELECT * FROM unnest($1::text[])"


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    # A session of its own: in others psycopg may have to forget what earlier tests prepared.
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE of_test (word text NOT NULL)")
    run_once()
    yield
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE of_test")


def run_once() -> None:
    with pipeline():
        insert()


def insert(*words: str | None) -> Result:
    return execute(INSERT, [column("text", words)])


def words() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM of_test ORDER BY word")
        return [word for (word,) in cursor.fetchall()]


def test_results_are_there_when_it_has_ended() -> None:
    with pipeline():
        insert("b", "a")
        found = execute(b"SELECT word, length(word) FROM of_test ORDER BY word", [])
    assert found.rows() == [("a", 1), ("b", 1)]


def test_more_than_fits_between_the_two_of_them_in_both_directions() -> None:
    """Each could wait for the other to read."""
    long = "x" * 4_000_000
    with pipeline():
        answers = [execute(b"SELECT unnest($1::text[])", [column("text", [long, str(n)])]) for n in range(8)]
    assert [answer.rows() for answer in answers] == [[(long,), (str(n),)] for n in range(8)]


def test_an_error_undoes_all_of_it_and_the_first_is_raised() -> None:
    with pytest.raises(DatabaseError) as raised, pipeline():  # noqa: PT012 - the block is the statement
        insert("a")
        insert(None)
        execute(b"SELECT 1/0", [])
        insert("b")
    assert getattr(raised.value.__cause__, "sqlstate", None) == "23502"
    assert words() == []
    with pipeline():
        insert("c")
    assert words() == ["c"]


def test_an_error_of_the_commit_itself_is_raised() -> None:
    """All statements have succeeded by then."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE of_test ADD CONSTRAINT once UNIQUE (word) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(DatabaseError) as raised, pipeline():  # noqa: PT012 - the block is the statement
        insert("a")
        insert("a")
    assert getattr(raised.value.__cause__, "sqlstate", None) == "23505"
    assert words() == []
    with pipeline():
        insert("c")
    assert words() == ["c"]


def test_an_error_of_ours_in_the_midst_undoes_all_of_it() -> None:
    with pytest.raises(ZeroDivisionError), pipeline():  # noqa: PT012 - the block is the statement
        insert("a")
        insert(str(1 // 0))
    assert words() == []
    with pipeline():
        insert("c")
    assert words() == ["c"]


def test_a_session_that_was_ended() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with pytest.raises(OperationalError), pipeline():  # noqa: PT012 - the block is the statement
        insert("a")
        execute(b"SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid", [column("integer", [pid])])
        insert("b")
    connection.close()
    assert words() == []


def test_statements_that_the_session_forgot_are_prepared_again() -> None:
    with transaction.atomic():
        # psycopg has the session forget all that is prepared when a transaction rolls back in which it prepared, too.
        psycopg.Cursor(connection.connection).execute("SELECT", prepare=True)
        transaction.set_rollback(True)
    with pytest.raises(DatabaseError) as raised:
        run_once()
    assert getattr(raised.value.__cause__, "sqlstate", None) == STATEMENT_UNKNOWN
    with pipeline():
        insert("a")
    assert words() == ["a"]
