"""The page where a reader chooses a time zone."""

from typing import Final

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from web.components.rendering import dialog_methods, leave_dialog, render_dialog, stay
from web.components.time_zones import CHOSEN_COOKIE, browser_zone, chosen_zone, zone_named, zone_names

ONE_YEAR: Final = 365 * 24 * 60 * 60


class TimeZoneForm(forms.Form):
    """Choice of a zone. Empty: that of the browser."""

    zone = forms.CharField(required=False, max_length=64)

    def clean_zone(self) -> str:
        name: str = self.cleaned_data["zone"]
        if name and zone_named(name) is None:
            raise forms.ValidationError("There is no time zone with this name.")
        return name


@dialog_methods
@login_required
def time_zone(request: HttpRequest) -> HttpResponse:
    form = TimeZoneForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        response = leave_dialog(request, stay(request, reverse("home")))
        secure = settings.SERVED_OVER_TLS
        if name := form.cleaned_data["zone"]:
            response.set_cookie(CHOSEN_COOKIE, name, max_age=ONE_YEAR, samesite="Lax", httponly=True, secure=secure)
        else:
            response.delete_cookie(CHOSEN_COOKIE, samesite="Lax")
        return response
    chosen = chosen_zone(request)
    context = {
        "form": form,
        "chosen": str(chosen or ""),
        "of_browser": str(browser_zone(request)),
        "names": ["UTC", *sorted(name for name in zone_names() if "/" in name)],
        "now": timezone.now(),
    }
    return render_dialog(request, "account/time_zone.html", context, status=422 if form.errors else 200)
