"""Statements that a session plans once, and the others."""

import uuid
from collections.abc import Callable

import pytest
from django.db import connection

from connections.models import Connection
from lineage.database.prepared import prepared
from lineage.models import Job
from tests.api.rows import make_connection, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def of_this_test() -> str:
    """A word that no other test's statements have."""
    return f"of_{uuid.uuid4().hex}"


def known_statements(word: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{word}%"])
        return int(cursor.fetchone()[0])


def asker(word: str) -> Callable[[int], int]:
    def ask(value: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT %s::integer AS {word}", [value])
            return int(cursor.fetchone()[0])

    return ask


def test_the_same_statement_with_other_values_is_known_again(of_this_test: str) -> None:
    ask = asker(of_this_test)
    with prepared():
        assert [ask(number) for number in range(10)] == list(range(10))
    assert known_statements(of_this_test) == 1


def test_what_is_asked_outside_is_planned_for_its_values(of_this_test: str) -> None:
    with prepared():
        pass
    ask = asker(of_this_test)
    assert [ask(number) for number in range(10)] == list(range(10))
    assert known_statements(of_this_test) == 0


def test_an_error_within_does_not_leave_it_on(of_this_test: str) -> None:
    with pytest.raises(ZeroDivisionError), prepared():
        _ = 1 // 0
    ask = asker(of_this_test)
    ask(1)
    ask(2)
    assert known_statements(of_this_test) == 0


def test_the_moment_at_which_a_state_is_asked_for_is_no_part_of_the_text() -> None:
    """Else no session would know such a statement again."""
    connection_: Connection = make_connection()
    make_job(connection_)
    query = Job.objects.of(connection_).with_states().query
    assert query.sql_with_params()[0] == query.sql_with_params()[0]
