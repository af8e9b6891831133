"""Several runs with one run id: its page names them, and links from lists lead to the right one."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from lineage.models import Event
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender, make_sender

pytestmark = pytest.mark.django_db

RUN_ID = "00000000-0000-0000-0000-00000000000a"


@pytest.fixture
def sender() -> Sender:
    sender = make_sender()
    boom = {"errorMessage": {"message": "boom", "programmingLanguage": "JAVA"}}
    sent: tuple[tuple[str, float, str, dict[str, Any]], ...] = (
        ("START", 0, "dag.submit", {}),
        ("START", 1, "app.insert", {}),
        ("FAIL", 5, "app.insert", boom),
        ("COMPLETE", 9, "dag.submit", {}),
    )
    for type_, seconds, job, facets in sent:
        sender.send(run_event(type_, at(seconds), run=RUN_ID, job=job, run_facets=facets))
    return sender


def text_of(response: Any) -> str:
    assert response.status_code == 200
    main = response.content.decode().split("<main", 1)[1]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def links_of(response: Any) -> set[str]:
    pattern = rf'href="(/connections/[0-9a-f-]+/runs/{RUN_ID}[^"]*)"'
    return {unescape(url) for url in re.findall(pattern, response.content.decode())}


def test_its_page_names_them_and_leads_to_each(as_viewer: Client, sender: Sender) -> None:
    page = as_viewer.get(f"/connections/{sender.connection.pk}/runs/{RUN_ID}")
    text = text_of(page)
    assert "2 runs have this id" in text
    assert "The sender gave one run id to runs of several jobs" in text
    assert re.search("dag.submit Completed .* app.insert Failed", text)
    shown = [text_of(as_viewer.get(url)) for url in sorted(links_of(page)) if "?job=" in url]
    assert len(shown) == 2
    [failed] = [text for text in shown if "boom" in text]
    assert "Failed" in failed
    assert "dag.submit" not in failed
    assert "3 events" not in " ".join(shown)


@pytest.mark.parametrize("path", ["/runs", f"/search?q={RUN_ID}"])
def test_lists_lead_to_the_run_itself(as_viewer: Client, sender: Sender, path: str) -> None:
    urls = {url for url in links_of(as_viewer.get(path)) if "?job=" in url}
    assert len(urls) == 2
    for url in urls:
        assert "runs have this id" not in text_of(as_viewer.get(url))


def test_each_has_its_own_events(as_viewer: Client, sender: Sender) -> None:
    for event in Event.objects.of(sender.connection):
        url = f"/connections/{sender.connection.pk}/runs/{RUN_ID}/events/{event.id}"
        job = "app.insert" if "app.insert" in event.body else "dag.submit"
        assert f">{job}</a>" in as_viewer.get(url).content.decode()
        assert as_viewer.get(f"{url}.json").content.decode() == event.body


def test_an_instance_of_a_mapped_task_is_chosen_by_its_index(as_viewer: Client, sender: Sender) -> None:
    other = "00000000-0000-0000-0000-00000000000b"
    for index, type_ in enumerate(("COMPLETE", "FAIL")):
        facets = {"airflow": {"taskInstance": {"try_number": 1, "map_index": index}, "task": {"retries": 0}}}
        sender.send(run_event(type_, at(9), run=other, job="fan.load", run_facets=facets))
    url = f"/connections/{sender.connection.pk}/runs/{other}"
    assert "all instances of a mapped task" in text_of(as_viewer.get(url))
    assert "Failed" in text_of(as_viewer.get(f"{url}?map_index=1"))
    assert "Failed" not in text_of(as_viewer.get(f"{url}?map_index=0"))


def test_a_run_without_the_index_of_its_siblings_is_reached(as_viewer: Client, sender: Sender) -> None:
    """Some events of a mapped task lack the map index: here that of its failure."""
    instance = {"airflow": {"taskInstance": {"map_index": 0}}}
    sender.send(run_event("START", at(20), run=RUN_ID, job="dag.mapped", run_facets=instance))
    sender.send(run_event("FAIL", at(21), run=RUN_ID, job="dag.mapped"))
    page = as_viewer.get(f"/connections/{sender.connection.pk}/runs/{RUN_ID}")
    shown = [text_of(as_viewer.get(url)) for url in links_of(page) if "?job=" in url]
    assert len(shown) == 4
    assert not [text for text in shown if "runs have this id" in text]
