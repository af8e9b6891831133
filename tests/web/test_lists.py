"""Lists on pages: what a URL chooses, what of it was not understood, and where links lead."""

from typing import Any

import pytest
from django.test import RequestFactory

from web.components.lists import Choices, Listing, counted_options, headings
from web.connections.table import CONNECTIONS
from web.jobs.table import JOBS
from web.runs.table import RUNS, RUNS_OF_JOB


def read(listing: Listing, query: str) -> Choices:
    return listing.read(RequestFactory().get(f"/list{query}"))


@pytest.mark.parametrize(
    ("listing", "query"),
    [
        (RUNS, "?state=FAILED&kind=TASK&q=load+orders&range=7d&min=60"),
        (RUNS, "?from=2026-03-02T12%3A00Z&to=2026-03-02T13%3A00%3A30Z"),
        (RUNS_OF_JOB, "?state=LOST&orchestrator_run_id=manual__1"),
        (JOBS, "?state=NONE&namespace=+a+&owner=team%3Ashop&sort=-duration"),
        (CONNECTIONS, "?status=connected&type=dbt&q=shop&sort=-jobs&page=2"),
        (CONNECTIONS, ""),
    ],
)
def test_a_link_to_the_same_choices_is_the_url(listing: Listing, query: str) -> None:
    choices = read(listing, query)
    assert choices.own_query == query
    assert not choices.errors


def test_a_wrong_value_is_an_error() -> None:
    choices = read(RUNS, "?state=NOPE&connection=1&from=x&min=61&q=load&sort=name&unknown=1")
    # The page asks for itself again with the wrong values; its links lead to the others alone.
    assert choices.own_query == "?state=NOPE&connection=1&q=load&from=x&min=61"
    assert choices.query() == "?q=load"
    assert choices.errors == {
        "state": "Not one of RUNNING, COMPLETED, FAILED, ABORTED, SKIPPED, UPSTREAM_FAILED, RETRIED, LOST, UNKNOWN.",
        "connection": "Not a UUID.",
        "from": "Not a time as in 2026-01-31T12:00:00Z (a plus sign in a URL must be encoded).",
        "min": "Not one of 10, 60, 600, 3600, 21600, 86400.",
    }
    assert read(JOBS, "?sort=nope&page=0&density=tiny").errors == {
        "sort": "Not one of state, name, kind, started, ended, duration, running, or one of them with - in front.",
        "page": "Not the number of a page: the first is 1.",
        "density": "Not one of normal, compact.",
    }


def test_the_names_of_the_api_are_known() -> None:
    choices = read(RUNS, "?search=load&started_after=2026-03-02T12:00:00Z&connection_id=1")
    assert choices.query() == "?q=load&from=2026-03-02T12%3A00Z"
    assert choices.errors == {"connection": "Not a UUID."}


def test_a_text_is_cut_to_the_longest_and_holds_no_nul() -> None:
    assert read(JOBS, f"?q=%20a%00b{'c' * 300}")["q"] == f"a b{'c' * 197}"


def test_links_lead_to_the_first_page_and_clear_the_filters_alone() -> None:
    choices = read(CONNECTIONS, "?status=connected&sort=-jobs&page=3")
    assert choices.query(q="shop") == "?status=connected&q=shop&sort=-jobs"
    assert choices.cleared_query == "?sort=-jobs"


def test_a_heading_sorts_one_way_then_the_other_then_by_the_lists_own_order() -> None:
    def following(listing: Listing, query: str, key: str) -> tuple[str, str]:
        [heading] = [heading for heading in headings(read(listing, query)) if heading.key == key]
        return heading.order, heading.query

    assert following(JOBS, "", "duration") == ("", "?sort=-duration")
    assert following(JOBS, "?sort=-duration", "duration") == ("descending", "?sort=duration")
    assert following(JOBS, "?sort=duration", "duration") == ("ascending", "")
    assert following(JOBS, "", "name") == ("", "?sort=name")
    # Sorted by name unless something else is chosen.
    assert following(CONNECTIONS, "", "name") == ("ascending", "?sort=-name")
    assert following(CONNECTIONS, "?sort=-name", "name") == ("descending", "")


def test_options_are_those_that_occur_and_the_chosen_one() -> None:
    titles = {"FAILED": "Failed", "LOST": "Lost", "RUNNING": "Running"}
    found = counted_options(read(JOBS, "?state=LOST"), "state", titles, {"FAILED": 2}, total=5)
    shown: list[tuple[Any, ...]] = [(option.title, option.count, option.chosen, option.query) for option in found]
    assert shown == [
        ("All", 5, False, ""),
        ("Failed", 2, False, "?state=FAILED"),
        ("Lost", 0, True, "?state=LOST"),
    ]
