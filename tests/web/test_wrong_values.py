"""Every page names the wrong values of its URL, with status 400, and leads to itself without them."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from django_filters import CharFilter

from tests.house.routes import World, routes
from web.components.lists import Choices, Listing

pytestmark = pytest.mark.django_db

# The value of no filter, sort or place. Texts have no wrong values.
WRONG = "!"
PAGES_WITH_CHOICES = {
    *("", "jobs", "runs", "datasets", "search", "connections", "connections/<uuid:connection_id>"),
    "connections/<uuid:connection_id>/jobs/<uuid:job_id>",
    "connections/<uuid:connection_id>/runs/<uuid:run_id>",
}


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[Listing]:
    """Declarations that pages read, in the order in which they do."""
    found: list[Listing] = []
    read = Listing.read

    def noting(self: Listing, request: HttpRequest) -> Choices:
        found.append(self)
        return read(self, request)

    monkeypatch.setattr(Listing, "read", noting)
    return found


def names_of(listing: Listing) -> Iterator[str]:
    """Yield each name whose value may be wrong."""
    for name, key in listing.names.items():
        if type(listing.filters.base_filters[key]) is not CharFilter:
            yield name
    yield from ["sort"] if listing.columns else []
    yield from listing.kept


def pages(client: Client, declared: list[Listing]) -> Iterator[tuple[str, str, Listing]]:
    """Yield (route, path, declaration) of each page that has choices."""
    world = World()
    for route in routes():
        if re.match(r"admin/|api/|intake|metrics|sign|favicon|theme|.*(keys|events)/", route):
            continue
        declared.clear()
        path = world.path(route)
        client.get(path)
        for listing in declared[:1]:
            yield route, path, listing


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def test_each_wrong_value_is_named(as_editor: Client, declared: list[Listing]) -> None:
    found = list(pages(as_editor, declared))
    assert {route for route, _, _ in found} == PAGES_WITH_CHOICES
    for _, path, listing in found:
        for name in names_of(listing):
            response = as_editor.get(path, {name: WRONG})
            assert response.status_code == 400, (path, name)
            assert re.search(rf"There is no such choice .*\b{name} : Not ", text_of(response)), (path, name)
            assert f'href="{path}">Show the page without it<' in response.content.decode()
            # Asking again would show what was not asked for.
            assert not re.search("data-live(?!=)", response.content.decode())


def test_several_at_once_beside_a_known_one(as_viewer: Client) -> None:
    response = as_viewer.get("/runs?state=NOPE&kind=DAG&cursor=x")
    assert "cursor : Not a place in this list: follow the links below it." in text_of(response)
    assert 'href="/runs?kind=DAG">Show the page without them<' in response.content.decode()
    assert "No run matches" not in text_of(response)
