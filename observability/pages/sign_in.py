"""Sign in. allauth does it, with its limits on failed attempts."""

from urllib.parse import urlencode

from allauth.account.views import login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect


def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. A fragment that was led here, its session having ended, takes its whole page along."""
    if request.htmx:  # type: ignore[attr-defined]
        page = request.htmx.current_url_abs_path or reverse("home")  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(f"{reverse('account_login')}?{urlencode({'next': page})}")
    response: HttpResponse = login(request)
    return response
