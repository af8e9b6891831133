"""Forms for what people type about themselves. Forms check; views call actions, and show a refusal beside the field."""

from django import forms
from django.contrib.auth.forms import SetPasswordForm

from connections.forms import NameField
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


class ChangePasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """The current password, and a new one as the validators of the settings want it. The view checks the current."""

    current = forms.CharField(label="Current password", strip=False)

    field_order = ["current", "new_password1", "new_password2"]
