"""Query strings, forms, ids, headers and cookies that no browser sends: every route answers, and never with a 5xx."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.house.routes import World, ask, routes

pytestmark = pytest.mark.django_db

# What some route reads; each is also sent where nobody reads it. Not `_to_field`: Django's own admin (5.2) fails where
# it is empty, which an operator alone can send.
PARAMETERS = re.findall(
    r"\w+",
    """
login password remember name theme csrfmiddlewaretoken
q state kind type status sort page guide next script lang version format cursor page_size search namespace
started_after started_before connection_id connection from to o p e all _popup _changelist_filters connection__id__exact
id__exact state__exact day__lte described_at__gte term app_label model_name field_name user__id__exact is_staff__exact
""",
)
ZERO = "00000000-0000-0000-0000-000000000000"
ODD_VALUES = [
    *("", "\0", "a\0b", " ", "%", "%%s", "\\", "'", '"', "<script>", "../..", "\r\nX-Odd: 1", "\ufffd", "\U0010ffff"),
    *(
        "-1",
        "0",
        "99999999999999999999",
        "9" * 5_000,
        "1e400",
        "NaN",
        "\u0661",
        "true",
        "null",
        "[]",
        "{",
        "a.b.c",
        "-",
        "--name",
    ),
    *(
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "infinity",
        "2026-02-30",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "1.2.3.4.5",
        "W10",
        "W1tdXQ",
    ),
    *("http://[", "http://[::1", "//[", "http://testserver\\@x", "///x", "javascript:1", "http://testserver/\ud83d"),
    *("x" * 5_000, ZERO, "{00000000000000000000000000000000}"),
]
# As the lists make them, of what they never hold.
CURSORS = [
    base64.urlsafe_b64encode(json.dumps([backward, values]).encode()).decode().rstrip("=")
    for backward in (False, True)
    for values in (
        *([], [""], ["\0", "\0", ZERO], ["\0", ZERO], ["x", "x"], ["a", "b", "c", "d", "e"]),
        *(
            ["0001-01-01T00:00:00+00:00", ZERO],
            ["9999-12-31T23:59:59.999999+00:00", ZERO],
            ["2026-01-01T00:00:00", ZERO],
        ),
    )
]
# As the wire carries them: what is no UTF-8 too.
NO_UTF8 = ["%ff", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%", "%zz", "%u0000", "+%2"]


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


values = st.one_of(
    st.sampled_from(ODD_VALUES).map(encoded),
    st.sampled_from(NO_UTF8),
    st.text(max_size=30).map(encoded),
    st.binary(max_size=30).map(quote_from_bytes),
)
names = st.one_of(st.sampled_from(PARAMETERS), values)
pairs = st.tuples(names, values) | st.tuples(st.just("cursor"), st.sampled_from(CURSORS))
queries = st.lists(pairs, max_size=4).map(lambda chosen: "&".join("=".join(pair) for pair in chosen))

# As a server hands them over: its parser lets no control character pass, and each byte is a character of Latin-1.
ODD_HEADERS = [text.encode("utf-8", "surrogatepass").decode("latin-1") for text in ODD_VALUES if text.isprintable()]
HEADERS = {
    "HTTP_ACCEPT": [*ODD_HEADERS, "*/*;q=x", "application/json; indent=99999999999", ";;", "/", "text/html;q=\xff"],
    "HTTP_AUTHORIZATION": [*ODD_HEADERS, "Bearer", "Bearer obt_\xff", "Basic \xff"],
    "HTTP_COOKIE": [
        r'session="aaaaaaaa\000aaa"',
        "session=\xff",
        r'csrf="\000"',
        r'theme="\000"',
        r'messages="\000"',
        ";=",
    ],
    "HTTP_HX_CURRENT_URL": ODD_HEADERS,
    "HTTP_HX_TARGET": ODD_HEADERS,
    "HTTP_IF_NONE_MATCH": ODD_HEADERS,
    "HTTP_IF_MODIFIED_SINCE": ODD_HEADERS,
    "HTTP_REFERER": ODD_HEADERS,
    "HTTP_ACCEPT_LANGUAGE": ODD_HEADERS,
    "HTTP_HOST": ["[", "\xff", "localhost:99999", "localhost:x", "a b", ""],
    "HTTP_X_REQUEST_ID": ODD_HEADERS,
}
headers = st.dictionaries(st.sampled_from(sorted(HEADERS)), st.integers(0, 100), max_size=2).map(
    lambda chosen: {name: HEADERS[name][number % len(HEADERS[name])] for name, number in chosen.items()}
)
headers = st.builds(lambda odd, htmx: {**htmx, **odd}, headers, st.sampled_from([{}, {"HTTP_HX_REQUEST": "true"}]))
# In the place of an id, once the path is decoded.
ids = st.sampled_from([None, None, None, "\0", "\n", "..", "_00", "_", "\ufffd", "x" * 2_000, "(1,2)", "None"])


@pytest.fixture
def reader(administrator: User) -> Client:
    """May see every page, and sees an answer where the product raises."""
    client = Client(raise_request_exception=False)
    client.force_login(administrator)
    return client


@pytest.mark.parametrize(
    ("path", "odd", "status"),
    [
        ("/connections", {"HTTP_COOKIE": r'session="aaaaaaaa\000aaa"'}, 302),
        ("/sign-in?next=http://[", {}, 200),
        ("/sign-in", {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://["}, 200),
    ],
)
def test_what_libraries_raise_at_is_as_if_it_were_not_there(path: str, odd: dict[str, Any], status: int) -> None:
    assert Client().generic("GET", path, **odd).status_code == status


@pytest.mark.parametrize("chosen", ["pages, intake and API", "operators' site"])
def test_no_route_fails(reader: Client, chosen: str) -> None:
    world = World()
    of_operators = chosen == "operators' site"
    known = sorted(route for route in routes() if route.startswith("admin/") == of_operators)
    clients = [reader, Client(raise_request_exception=False)]

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        client=st.sampled_from(clients),
        # What is asked for is also what the form holds.
        method=st.sampled_from(["GET"] if of_operators else ["GET", "POST"]),
        route=st.sampled_from(known),
        id_=ids,
        query=queries,
        odd=headers,
    )
    def answers(*, client: Client, method: str, route: str, id_: str | None, query: str, odd: dict[str, str]) -> None:
        path = world.path(route if id_ is None else re.sub(r"<[^>]+>", lambda _: id_, route))
        form = {"data": query, "content_type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        response = ask(client, method, path, QUERY_STRING=query, **form, **odd)
        assert response.status_code < 500, (method, path, query, odd)

    answers()
