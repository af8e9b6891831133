"""The second step of signing in: a code or a security key, of who has set one up. allauth leads here."""

import json
from typing import Any

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from django.views.decorators.http import require_http_methods


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    template_name = "account/second_step.html"

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**options)
        types = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        return {
            **context,
            "has_app": Authenticator.Type.TOTP in types,
            "has_key": Authenticator.Type.WEBAUTHN in types,
            "options": json.dumps(context["js_data"]["request_options"]["publicKey"]),
        }


second_step = require_http_methods(["GET", "HEAD", "POST"])(SecondStepView.as_view())
