"""Sign in. allauth does it, with its limits on failed attempts."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.views import LoginView
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from people.local_login import provider_name
from web.components.rendering import page_of


def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. A fragment that was led here, its session having ended, takes its whole page along."""
    if request.htmx:  # type: ignore[attr-defined]
        page = page_of(request) or reverse("home")
        return HttpResponseClientRedirect(f"{reverse('account_login')}?{urlencode({'next': page})}")
    response: HttpResponse = _page(request)
    return response


class SignInView(LoginView):  # type: ignore[misc]  # allauth ships no types
    def get_context_data(self, **options: Any) -> dict[str, Any]:
        """Offer single sign-on where it is set up, and the password where it counts or is asked for."""
        context: dict[str, Any] = super().get_context_data(**options)
        has_form = settings.LOCAL_LOGIN or "password" in self.request.GET or context["form"].is_bound
        return {
            **context,
            "sso_name": provider_name(),
            "has_form": has_form,
            "local_login": settings.LOCAL_LOGIN,
        }


_page = SignInView.as_view()
