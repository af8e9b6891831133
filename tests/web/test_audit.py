"""The page of the audit: its words, its filters, its pages, and the file."""

import csv
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEntry
from web.administration.audit_rows import changes_in_words, csv_row, row_of

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entry(**fields: Any) -> AuditEntry:
    fields = {"via": "page", "verb": "added", "object": "connection", "name": "Lake", "actor": "ada"} | fields
    return AuditEntry(at=AT, **fields)


def test_an_entry_in_words() -> None:
    row = row_of(entry(verb="renamed", changes={"name": ["Lake", "Pond"]}, address="203.0.113.9"))
    assert (row.act, row.changes, row.way) == (
        "Renamed connection",
        "name: Lake \N{RIGHTWARDS ARROW} Pond",
        "page, 203.0.113.9",
    )
    assert row_of(entry(verb="signed_in", object="user")).act == "Signed in as"
    assert changes_in_words(
        {"type": [None, "dbt"], "key": ["a", None], "groups": [[], ["Editor"]], "on": [True, False]}
    ) == ("type: dbt; key: a removed; groups: none \N{RIGHTWARDS ARROW} Editor; on: yes \N{RIGHTWARDS ARROW} no")


def test_no_cell_of_the_file_is_a_formula() -> None:
    assert csv_row(entry(name="=HYPERLINK(1)"))[7] == "'=HYPERLINK(1)"


@pytest.mark.django_db
def test_filters_pages_and_file(as_administrator: Client) -> None:
    made = [entry(name=f"lake {number}") for number in range(60)]
    for number, one in enumerate(made):
        one.at = AT - timedelta(hours=number)
    others = [entry(actor="bob", verb="signed_in", object="user", name="bob"), entry(actor="100%", name="of nobody")]
    AuditEntry.objects.bulk_create([*made, *others])

    def names(query: str) -> list[str]:
        rows = list(csv.reader(as_administrator.get(f"/audit.csv{query}").content.decode().splitlines()))
        return [row[7] for row in rows[1:]]

    assert len(names("")) == 62
    assert names("?q=BOB") == names("?verb=signed_in") == names("?object=user") == ["bob"]
    assert names("?q=%25") == ["of nobody"]
    assert len(names("?day=2026-03-02&object=connection")) == 14

    first = as_administrator.get("/audit?day=&q=lake")
    page = first.content.decode()
    assert page.count('id="entry-') == 50
    assert "Added connection" in page
    following = first.context["table"].places.next
    assert as_administrator.get(f"/audit{following}").content.decode().count('id="entry-') == 10
    assert "No entry matches" in as_administrator.get("/audit?q=nothing").content.decode()
    assert as_administrator.get("/audit?day=9999-12-31").status_code == 200
    for wrong in ("?day=monday", "?verb=x", "?cursor=x"):
        assert as_administrator.get(f"/audit{wrong}").status_code == 400
        assert as_administrator.get(f"/audit.csv{wrong}").status_code == 400
