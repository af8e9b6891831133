"""Forms for what people type about themselves, and administrators about them. Forms check; views call actions, and show
a refusal beside the field."""

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator

from connections.forms import NameField
from people.roles import Role
from people.tokens import DEFAULT_LIFETIME, LIFETIMES


class CreateTokenForm(forms.Form):
    name = NameField(label="Token name", help_text="Where it will be used, for example nightly report.")
    days = forms.TypedChoiceField(
        label="Expires after",
        coerce=int,
        choices=[(days, f"{days} days") for days in LIFETIMES],
        initial=DEFAULT_LIFETIME,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    reads_hidden = forms.BooleanField(
        label="Read hidden parts of events, too",
        required=False,
        help_text="Scope read:hidden: code, SQL, stack traces and environments that you may see, but not everybody.",
    )


class ChangePasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """The current password, and a new one as the validators of the settings want it. The view checks the current."""

    current = forms.CharField(label="Current password", strip=False)

    field_order = ["current", "new_password1", "new_password2"]


class RoleField(forms.TypedChoiceField):
    def __init__(self) -> None:
        widget = forms.RadioSelect()
        super().__init__(label="Role", coerce=Role, choices=Role.choices, widget=widget)


class AddPersonForm(forms.Form):
    username = forms.CharField(
        label="User name",
        max_length=User._meta.get_field("username").max_length,  # noqa: SLF001 - documented API of models
        validators=[UnicodeUsernameValidator()],
        help_text="Letters, digits and @ . + - _; they sign in with it.",
    )
    email = forms.EmailField(label="E-mail address", required=False, help_text="They can sign in with it, too.")
    role = RoleField()


class RoleForm(forms.Form):
    role = RoleField()
