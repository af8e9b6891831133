import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from people.models import ApiToken


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("create_api_token", *arguments, stdout=output)
    return output.getvalue()


def reads(token: str) -> bool:
    return Client().get("/api/v1/connections", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_it_prints_a_token_that_reads(person: Any) -> None:
    assert reads(run("ada").strip())
    assert ApiToken.objects.get().user == person


def test_for_scripts_it_prints_json_and_nothing_else(person: Any) -> None:
    answer = json.loads(run("ada", "--json"))
    assert list(answer) == ["token"]
    assert reads(answer["token"])


def test_an_unknown_user_is_an_error_in_one_line(db: None) -> None:
    with pytest.raises(CommandError, match=r"^There is no user 'grace'\.$"):
        run("grace")


def test_an_inactive_user_gets_none(person: Any) -> None:
    person.is_active = False
    person.save()
    with pytest.raises(CommandError, match="not active"):
        run("ada")
    assert not ApiToken.objects.exists()
