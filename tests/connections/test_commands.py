"""Adding connections and keys from scripts."""

import json
import uuid

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from connections.models import ApiKey, Connection
from connections.verification import VerifiedKey, verify_key
from tests.connections.conftest import MakeConnection, MakeKey

pytestmark = pytest.mark.django_db


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command(*arguments)
    return capsys.readouterr().out


def test_a_script_adds_a_connection_and_reads_where_to_send(
    capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://observatory.example.com"
    answer = json.loads(run(capsys, "create_connection", " Prod Airflow ", "--type", "airflow", "--json"))
    connection = Connection.objects.get()
    assert answer == {
        "id": str(connection.id),
        "name": "Prod Airflow",
        "type": "airflow",
        "endpoint": f"https://observatory.example.com/gateway/openlineage/{connection.id}",
    }


def test_without_json_people_read_the_same(capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    text = run(capsys, "create_connection", "Warehouse", "--type", "dbt")
    connection = Connection.objects.get()
    assert f"http://127.0.0.1:8000/gateway/openlineage/{connection.id}" in text
    assert "Warehouse" in text


def test_a_script_makes_a_key_that_works(capsys: pytest.CaptureFixture[str], make_connection: MakeConnection) -> None:
    connection = make_connection()
    answer = json.loads(run(capsys, "create_api_key", str(connection.id), " scheduler ", "--json"))
    assert set(answer) == {"name", "key"}
    assert answer["name"] == "scheduler"
    verified = verify_key(answer["key"])
    assert isinstance(verified, VerifiedKey)
    assert verified.connection_id == connection.id


def test_without_json_the_key_stands_alone_on_the_last_line(
    capsys: pytest.CaptureFixture[str], make_connection: MakeConnection
) -> None:
    connection = make_connection()
    text = run(capsys, "create_api_key", str(connection.id), "scheduler")
    assert verify_key(text.splitlines()[-1]).name == "scheduler"
    assert text.count("obs_") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create_connection", "airflow", "--type", "dbt"], "There is a connection with this name already."),
        (["create_connection", " ", "--type", "dbt"], "This field cannot be blank."),
        (["create_connection", "x" * 101, "--type", "dbt"], "at most 100 characters"),
        (["create_connection", "a\nb", "--type", "dbt"], "no control characters"),
        (["create_connection", "new", "--type", "cron"], "invalid choice"),
        (["create_connection", "new"], "--type"),
        (["create_api_key", "{id}", "WORKER"], "has an API key with this name already"),
        (["create_api_key", "{id}", ""], "This field cannot be blank."),
        (["create_api_key", "{unknown}", "new"], "There is no connection with the id"),
        (["create_api_key", "{removed}", "new"], "There is no connection with the id"),
        (["create_api_key", "prod", "new"], "invalid UUID"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], message: str, make_connection: MakeConnection, make_key: MakeKey
) -> None:
    connection = make_connection("Airflow")
    make_key(connection, "worker")
    removed = Connection.objects.create(
        name="removed", type="dbt", created_at=connection.created_at, removed_at=connection.created_at
    )
    ids = {"{id}": connection.id, "{unknown}": uuid.uuid4(), "{removed}": removed.id}
    with pytest.raises(CommandError) as error:
        call_command(*(str(ids.get(argument, argument)) for argument in arguments))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert Connection.objects.count() == 2
    assert ApiKey.objects.count() == 1
