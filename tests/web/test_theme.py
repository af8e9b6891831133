"""The colour theme: in a cookie, written into the page by the server."""

import pytest
from django.test import Client


def theme_of(client: Client) -> str:
    page = client.get("/sign-in").content.decode()
    return page.split('data-bs-theme="')[1].split('"')[0]


@pytest.mark.django_db
@pytest.mark.parametrize("chosen", ["light", "dark", "auto"])
def test_choosing_one(client: Client, chosen: str) -> None:
    response = client.post("/theme", {"theme": chosen, "next": "/connections?q=x"})
    assert (response.status_code, response["Location"]) == (302, "/connections?q=x")
    cookie = response.cookies["theme"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == (chosen, "Lax", True)
    assert theme_of(client) == chosen


@pytest.mark.django_db
def test_without_a_choice_the_system_decides(client: Client) -> None:
    assert theme_of(client) == "auto"
    assert "js/theme.js" in client.get("/sign-in").content.decode()


@pytest.mark.django_db
def test_a_chosen_theme_needs_no_script(client: Client) -> None:
    client.cookies["theme"] = "dark"
    assert "js/theme.js" not in client.get("/sign-in").content.decode()


@pytest.mark.django_db
def test_a_cookie_of_somebody_elses_making_is_not_written_into_the_page(client: Client) -> None:
    client.cookies["theme"] = "x-onload"
    assert theme_of(client) == "auto"


@pytest.mark.parametrize("sent", [{}, {"theme": "purple"}])
def test_what_is_no_theme(client: Client, sent: dict[str, str]) -> None:
    response = client.post("/theme", sent)
    assert response.status_code == 400
    assert "theme" not in response.cookies


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_it_leads_to_no_other_site(client: Client, elsewhere: str) -> None:
    assert client.post("/theme", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_a_link_does_not_change_it(client: Client) -> None:
    assert client.get("/theme?theme=dark").status_code == 405
