"""People for administrators: a list, and the forms that add, deactivate and reactivate them and change their roles."""

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connections.endpoint import base_url
from people.accounts import (
    DuplicateEmail,
    DuplicateUsername,
    LastAdministrator,
    add_person,
    change_role,
    deactivate,
    reactivate,
)
from people.factors import FACTORS, factor_name, must_have_factor, remove_factors
from people.forms import AddPersonForm, RoleForm
from people.local_login import may_use_password
from people.password_links import LINK_LIFETIME, make_password_link
from people.roles import role_of
from web.administration.people_table import PEOPLE, read_people_table
from web.components.administrators import administrators_only
from web.components.confirmation import confirmed_by_factor_first, confirmed_first
from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import dialog_methods, leave_dialog, render_dialog, render_page


@require_safe
@administrators_only
def people(request: HttpRequest) -> HttpResponse:
    choices = PEOPLE.read(request)
    table = read_people_table(choices)
    context = {
        "table": table,
        "density": density_of(choices, request),
        "now": timezone.now(),
        "local_login": settings.LOCAL_LOGIN,
    }
    response = render_page(request, "administration/people.html", context, region="people")
    return remember_density(request, refuse_wrong_values(response, choices), choices)


@dialog_methods
@administrators_only
@never_cache
@confirmed_first
def add(request: HttpRequest) -> HttpResponse:
    """Ask for name, address and role, and answer with a link to set the password: a redirect would have to keep it."""
    form = AddPersonForm(request.POST if request.method == "POST" else None, initial={"role": "viewer"})
    if form.is_valid():
        try:
            person = add_person(**form.cleaned_data, now=timezone.now())
        except DuplicateUsername as error:
            form.add_error("username", str(error))
        except DuplicateEmail as error:
            form.add_error("email", str(error))
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            if may_use_password(person):
                return _show_link(request, person, is_new=True)
            messages.success(request, f"{person.username} was added, and signs in with {settings.OIDC_NAME}.")
            return leave_dialog(request, reverse("people"))
    context = {"form": form, "provider": "" if settings.LOCAL_LOGIN else settings.OIDC_NAME}
    return render_dialog(request, "administration/person_add.html", context, status=422 if form.errors else 200)


@dialog_methods
@administrators_only
@never_cache
@confirmed_first
def link(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make another link to set a password, when that is confirmed: for somebody who lost the first, or a password."""
    person = get_object_or_404(User, pk=person_id, is_active=True)
    if not may_use_password(person):
        raise Http404
    if request.method == "POST":
        return _show_link(request, person, is_new=False)
    return render_dialog(request, "administration/person_link.html", {"person": person})


@dialog_methods
@administrators_only
@confirmed_first
def role(request: HttpRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(User, pk=person_id)
    initial = {"role": role_of(person).value}
    form = RoleForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        chosen = form.cleaned_data["role"]
        refusal = _refusal(lambda: change_role(user=person, role=chosen))
        if not refusal:
            messages.success(request, f"{person.username} is now {chosen.label.lower()}.")
            return leave_dialog(request, reverse("people"))
        form.add_error("role", refusal)
    context = {"person": person, "form": form}
    return render_dialog(request, "administration/person_role.html", context, status=422 if form.errors else 200)


@dialog_methods
@administrators_only
@confirmed_by_factor_first
def remove_person_factors(request: HttpRequest, person_id: int) -> HttpResponse:
    """Remove the factors of somebody who lost them, when that is confirmed."""
    person = get_object_or_404(User, pk=person_id)
    if request.method == "POST":
        remove_factors(user=person, keep=request.session.session_key)
        messages.success(request, f"{person.username} signs in by password alone.")
        return leave_dialog(request, reverse("people"))
    names = [factor_name(factor) for factor in Authenticator.objects.filter(user=person, type__in=FACTORS)]
    context = {"person": person, "names": names, "is_required": must_have_factor(person)}
    return render_dialog(request, "administration/person_factors.html", context)


@dialog_methods
@administrators_only
@confirmed_first
def deactivate_person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Say what ends, and deactivate the person when that is confirmed."""
    person = get_object_or_404(User, pk=person_id)
    refusal = ""
    if request.method == "POST":
        refusal = _refusal(lambda: deactivate(user=person))
        if not refusal:
            messages.success(request, f"{person.username} is deactivated.")
            return leave_dialog(request, reverse("people"))
    context = {"person": person, "refusal": refusal}
    status = 422 if refusal else 200
    return render_dialog(request, "administration/person_deactivate.html", context, status=status)


@dialog_methods
@administrators_only
@confirmed_first
def reactivate_person(request: HttpRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(User, pk=person_id)
    if request.method == "POST":
        _refusal(lambda: reactivate(user=person))
        messages.success(request, f"{person.username} is active again.")
        return leave_dialog(request, reverse("people"))
    return render_dialog(request, "administration/person_reactivate.html", {"person": person})


def _show_link(request: HttpRequest, person: User, *, is_new: bool) -> HttpResponse:
    """Show a new link, in this answer alone."""
    now = timezone.now()
    path = reverse("password_link", args=make_password_link(user=person, now=now))
    context = {"person": person, "link": f"{base_url(request)}{path}", "until": now + LINK_LIFETIME, "is_new": is_new}
    return render_dialog(request, "administration/person_link_made.html", context)


def _refusal(change: Callable[[], None]) -> str:
    """Change a person, and return why that was refused; empty if it was not. Raises Http404 if they are gone."""
    try:
        change()
    except LastAdministrator as error:
        return str(error)
    except User.DoesNotExist:
        raise Http404 from None
    return ""
