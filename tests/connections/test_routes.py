"""Routes: namespaces follow their connection through its life."""

from importlib import import_module

import pytest
from django.core.exceptions import ValidationError
from django.db import connection as database

from audit.models import AuditEntry
from connections import actions
from connections.models import Connection, Route
from connections.routes import RouteTaken, add_route, remove_route
from lineage.upkeep.removal import remove_connection
from tests.connections.conftest import NOW, MakeConnection

pytestmark = pytest.mark.django_db


def routes() -> dict[str, str | None]:
    return dict(Route.objects.values_list("namespace", "connection__name"))


def test_a_connection_has_a_route_of_its_name_and_keeps_the_old_one_when_renamed(
    make_connection: MakeConnection,
) -> None:
    connection = make_connection("prod")
    assert routes() == {"prod": "prod"}
    actions.rename_connection(connection=connection, name="production", now=NOW)
    assert routes() == {"prod": "production", "production": "production"}
    # Its senders still name the old one, so a new connection does not take it from them.
    make_connection("prod")
    assert routes() == {"prod": "production", "production": "production"}


def test_people_add_and_remove_routes(make_connection: MakeConnection) -> None:
    one, other = make_connection("one"), make_connection("other")
    route = add_route(connection=one, namespace="airflow-eu", now=NOW)
    assert add_route(connection=one, namespace="airflow-eu", now=NOW) == route
    add_route(connection=one, namespace="Airflow-EU", now=NOW)
    with pytest.raises(RouteTaken, match="one takes"):
        add_route(connection=other, namespace="airflow-eu", now=NOW)
    for refused in ("", "n" * 501):
        with pytest.raises(ValidationError):
            add_route(connection=one, namespace=refused, now=NOW)
    remove_route(connection=other, route_id=route.pk)
    assert "airflow-eu" in routes()
    remove_route(connection=one, route_id=route.pk)
    assert routes() == {"one": "one", "other": "other", "Airflow-EU": "one"}


def test_what_a_removed_connection_leaves(make_connection: MakeConnection) -> None:
    connection = make_connection("prod")
    add_route(connection=connection, namespace="eu", now=NOW)
    remove_connection(connection=connection, now=NOW)
    assert not Connection.objects.exists()
    assert routes() == {"prod": None, "eu": None}
    with pytest.raises(Connection.DoesNotExist):
        add_route(connection=connection, namespace="us", now=NOW)
    # A person may use its name and its namespaces again.
    again = make_connection("prod")
    add_route(connection=again, namespace="eu", now=NOW)
    assert routes() == {"prod": "prod", "eu": "prod"}


def test_each_change_of_who_takes_a_namespace_is_in_the_audit(make_connection: MakeConnection) -> None:
    make_connection("other")
    connection = make_connection("prod")
    actions.rename_connection(connection=connection, name="eu", now=NOW)
    add_route(connection=connection, namespace="eu", now=NOW)  # is there
    actions.end_connection(connection=connection, now=NOW)
    actions.rename_connection(connection=make_connection("new"), name="prod", now=NOW)
    made = actions.create_connection(
        name="made", type="airflow", created_by=None, now=NOW, namespace="other", made_by_event=True
    )
    entries = AuditEntry.objects.filter(object="route").order_by("pk")
    assert [(entry.verb, entry.name, entry.changes["connection"], entry.via) for entry in entries] == [
        ("added", "other", [None, "other"], "command"),
        ("added", "prod", [None, "prod"], "command"),
        ("added", "eu", [None, "eu"], "command"),
        ("removed", "prod", ["eu", None], "command"),
        ("removed", "eu", ["eu", None], "command"),
        ("added", "new", [None, "new"], "command"),
        ("added", "prod", [None, "prod"], "command"),
        ("added", "made", [None, made.name], "event"),
    ]


def test_the_migration_gives_connections_a_route_of_their_name(make_connection: MakeConnection) -> None:
    make_connection("prod")
    actions.end_connection(connection=make_connection("Gone"), now=NOW)
    Route.objects.all().delete()
    # Later migrations cannot be taken back in the transaction of a test.
    with database.cursor() as cursor:
        cursor.execute(import_module("connections.migrations.0006_routes_of_names").ADD_ROUTES)
    assert routes() == {"prod": "prod"}
