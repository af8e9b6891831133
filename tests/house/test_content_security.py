"""The content security policy allows nothing inline, and no page has anything inline that it would break."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.house.routes import World, ask, routes

pytestmark = pytest.mark.django_db

# Scripts without a source, unless they are data; styles; handlers; links to scripts. In what is markup only.
INLINE = [
    re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE),
    re.compile(r"<style", re.IGNORECASE),
    re.compile(r"<[^>]*\s(style|on[a-z]+)\s*=", re.IGNORECASE),
    re.compile(r"(href|src|action)=[\"']?\s*javascript:", re.IGNORECASE),
]


def test_no_page_has_anything_inline_or_from_elsewhere(administrator: User) -> None:
    world = World()
    client = Client()
    client.force_login(administrator)
    pages = 0
    for route in routes():
        response = ask(client, "GET", world.path(route))
        policy = response.headers.get("Content-Security-Policy", "")
        assert "default-src 'none'" in policy, route
        assert "unsafe" not in policy, route
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            continue
        pages += 1
        html = response.content.decode()
        found = [pattern.search(html) for pattern in INLINE]
        assert not any(found), (route, [match[0] for match in found if match])
        assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=\"(https?:)?//", html), route
    assert pages > 60
