"""The intake acknowledges nothing while the database is away, and asks the sender to try again."""

import uuid

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from connections import actions
from lineage.models import Event
from tests.lineage.build import run_event
from tests.waiting import wait_until


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_503_and_its_return_needs_no_restart() -> None:
    owner = actions.create_connection(name=uuid.uuid4().hex, type="dbt", created_by=None, now=timezone.now())
    key = actions.create_api_key(connection=owner, name="key", created_by=None, now=timezone.now()).text

    def post() -> tuple[int, str | None]:
        bearer = {"Authorization": f"Bearer {key}"}
        path = f"/gateway/openlineage/{owner.id}"
        response = Client().post(path, run_event(), content_type="text/plain", headers=bearer)
        return response.status_code, response.get("Retry-After")

    # Every session of this process is ended by the server, as in a restart of PostgreSQL, and none may begin.
    name = connection.settings_dict["NAME"]
    admin = connections["default"].copy(alias="admin")
    admin.settings_dict = {**admin.settings_dict, "NAME": "postgres", "OPTIONS": {}}
    quoted = admin.ops.quote_name(name)
    try:
        with admin.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS false")
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert post() == (503, "1")
    finally:
        with admin.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS true")
        admin.close()
    connection.close()
    wait_until(lambda: post() == (201, None), "it takes events again")
    assert Event.objects.count() == 1
