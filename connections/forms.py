"""Forms for what people type. Forms check; views call actions, and show an action's refusal beside the field."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connections.kinds import EXAMPLE_KEY_NAME, EXAMPLE_NAME, FIRST
from connections.models import Connection
from connections.names import MAX_NAME_LENGTH, normalize_name, validate_name
from connections.privacy import AUDIENCE_CHOICES, Audience, PrivacyClass


class NameField(forms.CharField):
    """The name of a connection or of an API key."""

    default_validators = [validate_name]

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_NAME_LENGTH, **options)
        self.widget.attrs["autocomplete"] = "off"

    def to_python(self, value: Any) -> str:
        return normalize_name(super().to_python(value) or "")


def _audience_field(kind: PrivacyClass, help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=kind.label, choices=AUDIENCE_CHOICES, help_text=help_text)


class AddConnectionForm(forms.Form):
    name = NameField(label="Display name", help_text=f"As your team calls it, for example {EXAMPLE_NAME}.")
    type = forms.ChoiceField(
        label="Connection type",
        choices=Connection.Type.choices,
        initial=FIRST.type,
        widget=forms.RadioSelect,
    )


class RenameConnectionForm(forms.Form):
    name = NameField(label="Display name")


class PrivacyForm(forms.Form):
    """Asks who sees each PrivacyClass: the names of its fields."""

    code = _audience_field(PrivacyClass.CODE, "Code of Python and Bash tasks, and arguments of tasks.")
    sql = _audience_field(PrivacyClass.SQL, "Statements of queries, and Spark's plans of them.")
    stack_traces = _audience_field(
        PrivacyClass.STACK_TRACES, "Lines of code in errors. Everybody sees the message itself."
    )
    environment = _audience_field(
        PrivacyClass.ENVIRONMENT, "Environment variables, settings of Spark and Hive, host and user names of sessions."
    )

    @property
    def audiences(self) -> dict[PrivacyClass, Audience]:
        return {kind: Audience(self.cleaned_data[kind]) for kind in PrivacyClass}


class GenerateKeyForm(forms.Form):
    name = NameField(label="Key name", help_text=f"Where it will be used, for example {EXAMPLE_KEY_NAME}.")


class RemoveConnectionForm(forms.Form):
    """Asks for the connection's name, so that nobody removes another one by accident."""

    name = NameField(label="Display name")

    def __init__(self, *args: Any, connection: Connection, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connection = connection

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name != self._connection.name:
            raise ValidationError("This is not the connection's name.", code="other_name")
        return name
