"""Sign in. allauth does it, with its limits on failed attempts."""

from urllib.parse import urlencode

from allauth.account.views import login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from web.components.rendering import page_of


def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. A fragment that was led here, its session having ended, takes its whole page along."""
    if request.htmx:  # type: ignore[attr-defined]
        page = page_of(request) or reverse("home")
        return HttpResponseClientRedirect(f"{reverse('account_login')}?{urlencode({'next': page})}")
    response: HttpResponse = login(request)
    return response
