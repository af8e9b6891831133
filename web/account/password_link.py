"""The page to which a password link leads: its person, who is not signed in, sets their password there."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods

from audit.models import Verb
from audit.record import record
from people.password_links import LinkTokens
from people.sessions import end_other_sessions
from web.account.password import least_length


class PasswordLinkView(PasswordResetConfirmView):
    """Django's, which keeps the token out of the address of the form. 410 for a link that is used up or too old."""

    token_generator = LinkTokens()
    template_name = "account/password_link.html"
    success_url = reverse_lazy("account_login")

    def dispatch(self, *args: Any, **options: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **options)
        if response.status_code == 200 and not self.validlink:
            response.status_code = 410
        return response

    def get_user(self, uidb64: str) -> User | None:
        """Return the person of the link; None for a deactivated one."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active else None

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        length_help = f"At least {least_length()} characters."
        return {**super().get_context_data(**options), "person": self.user, "new_password_help": length_help}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            record(Verb.PASSWORD_CHANGED, form.user, {"by": (None, "password link")})
            end_other_sessions(user=form.user, keep=None)
        messages.success(self.request, "Your password is set: sign in with it.")
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


password_link = require_http_methods(["GET", "HEAD", "POST"])(PasswordLinkView.as_view())
