"""Wrong passwords are counted over all workers together: a guesser has no more tries where there are more of them."""

import re
import socket
from urllib.parse import urlencode

from django.contrib.auth.models import User

from tests.conftest import PASSWORD
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.test_keys import connected_to_each_worker
from tests.serving import LiveServer
from tests.waiting import wait_until

ALLOWED = 5
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def one_connection_to_each_worker(server: LiveServer) -> list[socket.socket]:
    by_port = {client.getsockname()[1]: client for client in connected_to_each_worker(server)}
    by_worker: dict[int, socket.socket] = {}

    def all_are_found() -> bool:
        """The kernel's list may leave out some while others come and go."""
        for worker in server.workers:
            for connection in worker.net_connections("tcp4"):
                if connection.raddr and connection.raddr.port in by_port:
                    by_worker[worker.pid] = by_port[connection.raddr.port]
        return len(by_worker) == len(server.workers)

    wait_until(all_are_found)
    assert len(by_worker) > 1
    return list(by_worker.values())


def sign_in(client: socket.socket, password: str, *, address: str = ELSEWHERE) -> wire.Reply:
    """Sign in through a proxy on this machine, which names the address of its client."""
    wire.send(client, "GET", "/sign-in", {"Content-Type": "text/plain"})
    form = wire.receive(client, "GET")
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.body.decode())
    cookie = form.headers["set-cookie"].partition(";")[0]
    fields = {"login": "viewer", "password": password, "csrfmiddlewaretoken": token}
    headers = {
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Forwarded-For": f"{HOME}, {address}",  # the first one is what the client itself may have written
    }
    wire.send(client, "POST", "/sign-in", headers, urlencode(fields).encode())
    return wire.receive(client)


def test_wrong_passwords_at_any_worker_count(server: LiveServer, viewer: User) -> None:
    clients = one_connection_to_each_worker(server)
    assert sign_in(clients[0], PASSWORD, address=HOME).status == 302
    for number in range(ALLOWED):
        refused = sign_in(clients[number % len(clients)], "wrong")
        assert "are not correct" in refused.body.decode()

    for client in clients:
        assert "Too many failed login attempts" in sign_in(client, PASSWORD).body.decode()
        assert sign_in(client, PASSWORD, address=HOME).status == 302


def test_the_right_password_is_counted_at_none(server: LiveServer, viewer: User) -> None:
    clients = one_connection_to_each_worker(server)

    assert {sign_in(clients[number % len(clients)], PASSWORD).status for number in range(2 * ALLOWED)} == {302}
