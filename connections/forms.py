"""Forms for what people type. Forms check; views call actions, and show an action's refusal beside the field."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError

from connections.kinds import EXAMPLE_KEY_NAME, EXAMPLE_NAME, FIRST
from connections.models import Connection, ConnectionAccess, WorkspaceKey
from connections.names import MAX_NAME_LENGTH, normalize_name, validate_name
from connections.privacy import AUDIENCE_CHOICES, Audience, PrivacyClass
from connections.routing import MAX_NAMESPACE_LENGTH


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
    # A namespace of jobs that it takes, beside its name.
    namespace = forms.CharField(max_length=MAX_NAMESPACE_LENGTH, required=False, strip=False, widget=forms.HiddenInput)


class AddRouteForm(forms.Form):
    namespace = forms.CharField(
        label="Namespace",
        max_length=MAX_NAMESPACE_LENGTH,
        strip=False,
        help_text="As the sender writes it in its jobs, case included.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class AddWorkspaceKeyForm(forms.Form):
    """Asks for what a workspace key may do. `connections` are those that it may be limited to."""

    LIFETIMES = ((0, "Never"), (30, "30 days"), (90, "90 days"), (365, "365 days"))

    name = NameField(label="Key name", help_text="Where it will be used, for example all clusters.")
    scope = forms.ChoiceField(
        label="Sends to", choices=WorkspaceKey.Scope.choices, initial=WorkspaceKey.Scope.ALL, widget=forms.RadioSelect
    )
    chosen = forms.MultipleChoiceField(label="Chosen connections", required=False)
    unmatched = forms.ChoiceField(
        label="For a namespace that no connection takes",
        choices=WorkspaceKey.Unmatched.choices,
        initial=WorkspaceKey.Unmatched.REFUSE,
        widget=forms.RadioSelect,
    )
    default_connection = forms.ChoiceField(label="Connection of events without a job", required=False)
    days = forms.TypedChoiceField(label="Expires after", coerce=int, choices=LIFETIMES, initial=0)

    def __init__(self, *args: Any, connections: Sequence[Connection], **options: Any) -> None:
        super().__init__(*args, **options)
        self._connections = {str(connection.pk): connection for connection in connections}
        names = [(id_, connection.name) for id_, connection in self._connections.items()]
        for field, choices in (("chosen", names), ("default_connection", [("", "None: refuse them"), *names])):
            self.fields[field].choices = choices  # type: ignore[attr-defined]
        for field in ("chosen", "default_connection", "days"):
            self.fields[field].widget.attrs["class"] = "form-select"

    def clean_chosen(self) -> list[Connection]:
        return [self._connections[id_] for id_ in self.cleaned_data["chosen"]]

    def clean_default_connection(self) -> Connection | None:
        return self._connections.get(self.cleaned_data["default_connection"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if cleaned.get("scope") == WorkspaceKey.Scope.ALL:
            cleaned["chosen"] = None
            return cleaned
        chosen, default = cleaned.get("chosen"), cleaned.get("default_connection")
        if not chosen:
            self.add_error("chosen", "Choose at least one connection.")
        elif default and default not in chosen:
            self.add_error("default_connection", "This connection is not among the chosen ones.")
        if cleaned.get("unmatched") == WorkspaceKey.Unmatched.CREATE:
            self.add_error("unmatched", "Only a key of all connections can make further ones.")
        return cleaned


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


class TrialForm(forms.Form):
    """A key and an event to try. The key is never shown again."""

    key = forms.CharField(
        label="API key", max_length=200, help_text="As the sender has it. A key is shown only once, when it is made."
    )
    event = forms.CharField(
        label="Event",
        strip=False,
        widget=forms.Textarea,
        help_text="A run that starts now. Or paste an event of your own sender.",
    )


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


class VisibilityForm(forms.Form):
    visibility = forms.ChoiceField(label="Who sees it", choices=Connection.Visibility.choices)


class AddMemberForm(forms.Form):
    """Names a person or a group; `cleaned_data["member"]` is the user or the group.

    Only administrators have a list of people, so one answer is for all names that are not found. With `may_ask` False
    there is no answer: too many names were tried.
    """

    name = forms.CharField(label="Person or group", help_text="A user name, or the name of a group.", max_length=150)
    level = forms.ChoiceField(
        label="Level", choices=ConnectionAccess.Level.choices, widget=forms.Select(attrs={"class": "form-select"})
    )

    def __init__(self, *args: Any, may_ask: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        self._may_ask = may_ask

    def clean_name(self) -> str:
        if not self._may_ask:
            raise ValidationError("You tried many names. Go on in an hour, or ask an administrator.", code="too_many")
        name: str = self.cleaned_data["name"].replace("\0", "")
        person = User.objects.filter(username=name, is_active=True).first()
        member = person or Group.objects.filter(name=name).first()
        if member is None:
            raise ValidationError("There is no active person and no group with this name.", code="unknown")
        self.cleaned_data["member"] = member
        return name
