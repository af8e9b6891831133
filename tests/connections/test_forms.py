"""Forms hold to the rules of actions, and show mistakes in words beside the field."""

from typing import Any

import pytest
from django.forms import Form

from connections.forms import AddConnectionForm, GenerateKeyForm, RemoveConnectionForm, RenameConnectionForm
from connections.models import Connection


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("\u200b", "A name has at least one visible character."),
        ("a\nb", "A name has no control characters or line breaks."),
        ("a\u202eb", "A name has no control characters or line breaks."),
        ("zero\u200bwidth", "A name has no control characters or line breaks."),
        ("\u3164", "A name has no control characters or line breaks."),
        ("a\x00b", "A name has no control characters or line breaks."),
        ("x" * 101, "Ensure this value has at most 100 characters (it has 101)."),
    ],
)
@pytest.mark.parametrize("form", [AddConnectionForm, RenameConnectionForm, GenerateKeyForm])
def test_a_name_that_is_not_allowed_is_explained(form: type[Form], name: str, message: str) -> None:
    assert message in form({"name": name, "type": "dbt"}).errors["name"]


def test_a_name_is_taken_as_it_will_be_stored() -> None:
    form = AddConnectionForm({"name": "  Cafe\u0301 ", "type": "dbt"})
    assert form.is_valid()
    assert form.cleaned_data == {"name": "Café", "type": "dbt", "namespace": ""}


def test_the_types_are_those_of_connections() -> None:
    form = AddConnectionForm({"name": "x", "type": "cron"})
    assert list(form.errors) == ["type"]
    field: Any = form.fields["type"]
    assert [value for value, _ in field.choices] == Connection.Type.values


@pytest.mark.parametrize(("typed", "valid"), [("Prod", True), (" Prod ", True), ("prod", False), ("", False)])
def test_a_removal_wants_the_name_as_it_is(typed: str, valid: bool) -> None:
    form = RemoveConnectionForm({"name": typed}, connection=Connection(name="Prod"))
    assert form.is_valid() is valid
