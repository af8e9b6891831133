"""Lines about requests name the path, without what a URL may hold of secrets."""

import pytest
from django.test import Client
from django.urls import reverse

CODE, TOKEN = "a-code-of-the-provider", "WzEsImR6:1vQ:token_of-a.link"


@pytest.mark.django_db
def test_a_request_line_has_no_query_and_no_token_of_a_link(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="django_structlog.middlewares.request")
    Client().get(f"/sign-in/sso/callback?code={CODE}&state=x")
    link = reverse("password_link", args=["MQ", TOKEN])
    Client().get(link)

    assert "GET /sign-in/sso/callback" in caplog.text
    assert "/account/password/MQ/" in caplog.text
    assert CODE not in caplog.text
    assert TOKEN not in caplog.text
