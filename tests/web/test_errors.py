"""Error pages: in the product's own look, with a way on, and without anything that a failing server lacks."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from web.components import favicon

PAGES = {
    "400.html": "This request makes no sense here",
    "403.html": "You may not do this",
    "403_csrf.html": "This form has expired",
    "404.html": "Page not found",
    "429.html": "Too many attempts",
    "500.html": "Something went wrong",
    "503.html": "Not available right now",
}


@pytest.mark.parametrize(("template", "title"), PAGES.items())
def test_each_can_be_shown_without_a_context(template: str, title: str) -> None:
    page = render_to_string(template)
    assert f"<h1>{title}</h1>" in page
    assert 'href="/"' in page
    assert 'data-bs-theme="auto"' in page


def test_not_found(client: Client) -> None:
    client.cookies["theme"] = "dark"
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()
    assert 'data-bs-theme="dark"' in response.content.decode()


def test_server_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> str:
        raise RuntimeError(path)

    monkeypatch.setattr(favicon, "static", fail)
    client.raise_request_exception = False
    response = client.get("/favicon.ico")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


@pytest.mark.parametrize("path", ["/sign-in/", "/connections/", "/theme/"])
def test_a_slash_too_many_is_not_redirected(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
