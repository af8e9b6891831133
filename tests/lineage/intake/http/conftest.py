from collections.abc import Callable

import pytest

from connections.models import Attempt, Connection
from lineage.models import Dataset, Event, Job, Run
from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.wire import Reply, post
from tests.live_server import Sender
from tests.serving import LiveServer


@pytest.fixture
def deliver(server: LiveServer, sender: Sender) -> Callable[..., Reply]:
    """Posts a body to the sender's own endpoint, with its key."""

    def deliver_(body: bytes, suffix: str = "", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return post(server, server.path(sender.connection.id, suffix), body, sender.headers | named)

    return deliver_


@pytest.fixture
def expect_refused(server: LiveServer, sender: Sender) -> Callable[..., None]:
    """Checks all that holds for a refusal: its status, that nothing was stored, that the connection's page can tell
    why, and that the next good event is accepted."""

    def expect(reply: Reply, status: int, reason: str, *, listed_of: Connection | None = sender.connection) -> None:
        assert reply.status == status, reply.body
        assert reply.headers["content-type"] == "application/json"
        assert "retry-after" not in reply.headers
        for model in (Event, Run, Job, Dataset):
            assert not model.objects.exists()
        if listed_of is None:
            assert not Attempt.objects.exists()
        else:
            attempt = Attempt.objects.get()
            assert (attempt.connection, attempt.outcome, attempt.status) == (listed_of, "rejected", status)
            assert reason in attempt.reason
        accepted = post(server, server.path(sender.connection.id), encoded(), sender.headers)
        assert accepted.status == 201, accepted.body
        assert Event.objects.count() == Run.objects.count() == 1

    return expect
