"""Error pages: in the product's own look, with a way on, and without anything that a failing server lacks."""

import pytest
from django.contrib.auth.models import User
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
    # The navigation, but where somebody signs in.
    assert ('href="/datasets"' in page) == (template != "429.html")
    assert 'data-bs-theme="auto"' in page


def test_not_found(client: Client) -> None:
    client.cookies["theme"] = "dark"
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()
    assert 'data-bs-theme="dark"' in response.content.decode()


@pytest.mark.parametrize("path", ["/", "/connections", "/no/such/page"])
def test_a_sender_that_posts_to_a_page_is_told_so(path: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    for response in (
        strict.post(path, {"eventType": "START"}, content_type="application/json"),
        strict.post(path, b"x", content_type="text/plain", headers={"Authorization": "Bearer obs_x"}),
    ):
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "unknown_path"
        assert "endpoint URL" in response.json()["error"]["message"]


def test_server_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> str:
        raise RuntimeError(path)

    monkeypatch.setattr(favicon, "static", fail)
    client.raise_request_exception = False
    response = client.get("/favicon.ico")
    assert response.status_code == 500
    page = response.content.decode()
    assert "Something went wrong" in page
    assert 'href="/connections"' in page


def test_not_found_for_a_reader_keeps_the_account_and_the_count(as_viewer: Client) -> None:
    page = as_viewer.get("/no/such/page").content.decode()
    assert 'id="account"' in page
    assert 'id="now-count"' in page


def test_a_request_that_makes_no_sense(as_viewer: Client) -> None:
    response = as_viewer.get("/", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert 'href="/connections"' in response.content.decode()


def test_a_form_that_expired_leads_to_sign_in_and_back(editor: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)
    refused = strict.post(
        "/connections/add", {"name": "x"}, headers={"Referer": "http://testserver/jobs?q=a&sort=name"}
    )
    assert refused.status_code == 403
    link = "/sign-in?next=%2Fjobs%3Fq%3Da%26sort%3Dname"
    assert f'<a class="btn btn-primary" href="{link}">Sign in again</a>' in refused.content.decode()
    # Who is signed in comes back at once.
    assert strict.get(link)["Location"] == "/jobs?q=a&sort=name"
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""):
        refused = strict.post("/connections/add", {"name": "x"}, headers={"Referer": elsewhere})
        assert 'href="/sign-in?next=%2F"' in refused.content.decode()
    page = {"HX-Request": "true", "HX-Target": "dialog-content", "HX-Current-URL": "http://testserver/runs"}
    in_dialog = strict.post("/connections/add", {"name": "x"}, headers=page)
    assert (in_dialog.status_code, in_dialog["HX-Redirect"]) == (200, "/sign-in?next=%2Fruns")


@pytest.mark.parametrize("path", ["/sign-in/", "/connections/", "/theme/"])
def test_a_slash_too_many_is_not_redirected(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
