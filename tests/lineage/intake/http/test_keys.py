"""Keys and the connections that they may send to: over real HTTP."""

import socket
from collections.abc import Callable

import pytest
from django.utils import timezone

from connections import actions
from connections.keys import new_key
from lineage.models import Event
from lineage.upkeep.removal import remove_connection
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.wire import Reply, post
from tests.live_server import Sender, with_lookup_of
from tests.serving import LiveServer

BY_KEY_ALONE = ["/gateway/openlineage/api/v1/lineage", "/api/v1/lineage"]

# The header's value, or None, and the words of the connection's page.
NO_KEYS = {
    "no header": (None, "brought no API key"),
    "an empty header": ("", "brought no API key"),
    "no key after the scheme": ("Bearer", "brought no API key"),
    "spaces after the scheme": ("Bearer    ", "brought no API key"),
    "another scheme": ("Basic YWRhOmxvdmVsYWNl", "brought no API key"),
    "no key at all": ("Bearer nonsense", "cut or mistyped"),
    "a key without its prefix": ("Bearer {key:.20}", "cut or mistyped"),
    "a key after a second Bearer": ("Bearer Bearer {key}", "comes twice"),
    "a key in quotation marks": ('Bearer "{key}"', "in quotation marks"),
    "a key that was cut": ("Bearer {cut}", "cut or mistyped"),
    "a key with a letter changed": ("Bearer {mistyped}", "cut or mistyped"),
    "a key as long as a body": ("Bearer " + "k" * 20_000, "cut or mistyped"),
    "bytes that are no text": ("Bearer \xff\xfe", "cut or mistyped"),
    "a well-formed key that nobody made": ("Bearer {unknown}", "unknown, wrong or was deleted"),
    "a known key with another secret": ("Bearer {wrong_secret}", "unknown, wrong or was deleted"),
}


def authorization(form: str | None, sender: Sender) -> dict[str, str]:
    if form is None:
        return {}
    stranger = new_key()
    letter = "A" if sender.key[20] != "A" else "B"
    return {
        "Authorization": form.format(
            key=sender.key.removeprefix("obs_"),
            cut=sender.key[:-1],
            mistyped=sender.key[:20] + letter + sender.key[21:],
            unknown=stranger.text,
            wrong_secret=with_lookup_of(sender.key),
        )
    }


@pytest.mark.parametrize("case", NO_KEYS)
def test_without_a_valid_key(
    server: LiveServer, sender: Sender, expect_refused: Callable[..., None], case: str
) -> None:
    form, reason = NO_KEYS[case]

    reply = post(server, server.path(sender.connection.id), encoded(), authorization(form, sender))

    assert reply.headers["www-authenticate"] == "Bearer"
    expect_refused(reply, 401, reason)


def test_all_refusals_of_a_key_look_alike(server: LiveServer, sender: Sender) -> None:
    """The answer does not give away which keys exist."""
    path = server.path(sender.connection.id)
    bodies = {post(server, path, encoded(), authorization(form, sender)).body for form, _ in NO_KEYS.values()}

    assert len(bodies) == 1
    assert sender.key.encode() not in bodies.pop()


@pytest.mark.parametrize("path", BY_KEY_ALONE)
def test_without_a_key_where_only_the_key_could_tell_the_connection(
    server: LiveServer, expect_refused: Callable[..., None], path: str
) -> None:
    expect_refused(post(server, path, encoded()), 401, "", listed_of=None)


@pytest.mark.parametrize("path", BY_KEY_ALONE)
def test_the_key_alone_names_the_connection(server: LiveServer, sender: Sender, path: str) -> None:
    assert post(server, path, encoded(), sender.headers).status == 201
    assert Event.objects.get().connection_id == sender.connection.id


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_in_any_case(server: LiveServer, sender: Sender, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {sender.key}"}

    assert post(server, server.path(sender.connection.id), encoded(), headers).status == 201


def test_a_key_of_another_connection(
    server: LiveServer, sender: Sender, new_sender: Callable[..., Sender], expect_refused: Callable[..., None]
) -> None:
    other = new_sender("Other")

    reply = post(server, server.path(sender.connection.id), encoded(), other.headers)

    expect_refused(reply, 403, "belongs to another connection")


@pytest.mark.parametrize("id_", ["0c5d1ad4-6a5c-4e1a-9d0a-2f4d6f8f3a11", "nonsense", "%00", "1"])
def test_an_unknown_connection(
    server: LiveServer, sender: Sender, expect_refused: Callable[..., None], id_: str
) -> None:
    """The answer says that the id is unknown to holders of a key only."""
    path = f"/gateway/openlineage/{id_}"
    stranger = post(server, path, encoded())
    assert (stranger.status, stranger.headers["www-authenticate"]) == (401, "Bearer")

    holder = post(server, path, encoded(), sender.headers)

    expect_refused(holder, 404, "no connection with the id", listed_of=sender.connection)


def test_a_key_of_a_removed_connection(
    server: LiveServer, sender: Sender, new_sender: Callable[..., Sender], expect_refused: Callable[..., None]
) -> None:
    other = new_sender("Other")
    path = server.path(other.connection.id)
    assert post(server, path, encoded(), other.headers).status == 201
    remove_connection(connection=other.connection, now=timezone.now())

    reply = post(server, path, encoded(), other.headers)

    expect_refused(reply, 401, "", listed_of=None)


def connected_to_each_worker(server: LiveServer) -> list[socket.socket]:
    """Connections that stay open, at least one to each worker process."""
    held: list[socket.socket] = []
    ports: set[int] = set()
    while not all(ports & {c.raddr.port for c in w.net_connections("tcp4") if c.raddr} for w in server.workers):
        held.append(socket.create_connection(("127.0.0.1", server.port), wire.SECONDS))
        ports.add(held[-1].getsockname()[1])
        # An answer shows that a worker took the connection.
        wire.send(held[-1], "GET", "/api/v1/lineage", {})
        wire.receive(held[-1], "GET")
        assert len(held) < 500
    return held


def test_a_deleted_key_is_refused_by_every_worker(server: LiveServer, sender: Sender) -> None:
    """Each worker remembers that it verified the key, and yet none accepts it a moment later."""
    path = server.path(sender.connection.id)
    clients = connected_to_each_worker(server)

    def deliver(client: socket.socket) -> Reply:
        wire.send(client, "POST", path, sender.headers, encoded())
        return wire.receive(client)

    assert {deliver(client).status for client in clients} == {201}
    actions.delete_api_key(api_key=sender.api_key)

    statuses = [deliver(clients[number % len(clients)]).status for number in range(200)]

    assert set(statuses) == {401}
    assert Event.objects.count() == len(clients)
    for client in clients:
        client.close()
