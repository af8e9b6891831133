"""The second step of signing in: a code or a security key, of who has set one up. allauth leads here."""

import json
from typing import Any

from allauth.account.stages import LoginStageController
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods

from people.factors import has_factor
from people.pending_sign_in import is_first_step_valid


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    template_name = "account/second_step.html"

    def dispatch(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        """Start anew if the password or the factors went meanwhile. allauth would lead here and back for ever."""
        stage = LoginStageController.enter(request, AuthenticateStage.key)
        if stage and not _may_go_on(request, stage.login.user):
            messages.error(request, "Your account was changed meanwhile. Sign in again.")
            aborted: HttpResponseBase = stage.abort()
            return aborted
        response: HttpResponseBase = super().dispatch(request, *args, **options)
        return response

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**options)
        types = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        return {
            **context,
            "has_app": Authenticator.Type.TOTP in types,
            "has_key": Authenticator.Type.WEBAUTHN in types,
            "options": json.dumps(context["js_data"]["request_options"]["publicKey"]),
        }


def _may_go_on(request: HttpRequest, user: User) -> bool:
    return has_factor(user) and is_first_step_valid(request.session, user)


second_step = require_http_methods(["GET", "HEAD", "POST"])(SecondStepView.as_view())
