"""The path /api/v1/lineage: it takes events from clients that know only Marquez, and answers questions on lineage."""

import requests
from django.contrib.auth.models import User
from django.utils import timezone

from people.tokens import create_api_token
from tests.lineage.build import dataset, run_event
from tests.live_server import Sender
from tests.serving import LiveServer


def test_events_are_sent_where_lineage_is_read(server: LiveServer, sender: Sender) -> None:
    path = f"{server.url}/api/v1/lineage"
    body = run_event("COMPLETE", inputs=[dataset("a")], outputs=[dataset("b")])
    assert requests.post(path, body, headers=sender.headers, timeout=30).status_code == 201
    token = create_api_token(user=User.objects.create_user("ada"), name="script", now=timezone.now()).text
    read = {"Authorization": f"Bearer {token}"}
    answer = requests.get(path, {"node": "dataset:warehouse:a"}, headers=read, timeout=30)
    assert sorted(node["name"] for node in answer.json()["nodes"]) == ["a", "b"]
    # A key sends and a token reads, never the other way round.
    assert requests.get(path, {"node": "dataset:warehouse:a"}, headers=sender.headers, timeout=30).status_code == 401
    assert requests.post(path, body, headers=read, timeout=30).status_code == 401
