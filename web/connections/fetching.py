"""Fetching for a connection: set-up, test, change, and what people do with it afterwards."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from connections.access import Right
from connections.models import Connection
from connections.pacing import Pace
from lineage.models import Job
from pull.actions import (
    AlreadySetUp,
    SecretNeeded,
    ask_for_sync,
    change_source,
    pause,
    remove_source,
    resume,
    secret_of,
    set_up_source,
)
from pull.http.hosts import AllowedHosts
from pull.models import PullSource
from pull.probing import probe_in_time
from pull.secrets import NoSecretsKey, SecretUnreadable, can_encrypt
from pull.sources import room_of
from pull.sources.fetcher import Room, Step
from web.components.rendering import asks_for, dialog_methods, for_this_reader, leave_dialog, render_dialog
from web.connections.rights import connection_to, gone_is_404
from web.connections.source_form import SourceForm, rooms_for

# Of tests by one person: each asks a host of their choice.
_PACE_OF_TESTS: Final = Pace(count=30, per=timedelta(minutes=10))
_NOT_NOW: Final = Step("Test", False, "You tested many times. Go on in some minutes.")
# Where the buttons stand → the page to come back to.
_TABS: Final = {"overview": "connection_overview", "settings": "connection_settings"}


@dialog_methods
@login_required
@sensitive_post_parameters()
@never_cache
@gone_is_404()
def fetching(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask how to fetch, at first or anew, and begin."""
    connection, source, form = _subject(request, connection_id)
    if form.is_valid() and _save(form, connection, source, request):
        words = "The first sync begins in a moment." if source is None else "Changed. The next sync begins in a moment."
        messages.success(request, words)
        return redirect("connection_settings", connection.pk)
    return _answer(request, connection, source, {"form": form})


@dialog_methods
@login_required
@sensitive_post_parameters()
@never_cache
def test_fetching(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Try what fetching needs with the values of the form, and show each step. Nothing is stored."""
    connection, source, form = _subject(request, connection_id)
    if request.method != "POST":  # after signing in again
        return redirect("fetching", connection.pk)
    steps = _steps(request, form, source) if form.is_valid() else []
    is_passed = bool(steps) and all(step.passed for step in steps)
    return _answer(
        request, connection, source, {"form": form, "steps": steps, "is_tested": True, "is_passed": is_passed}
    )


@dialog_methods
@login_required
def remove(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Say what stays, and stop fetching when that is confirmed."""
    connection = connection_to(Right.ADD_KEY, request, connection_id)
    source = _source_of(connection)
    if request.method == "POST":
        remove_source(source=source)
        messages.success(request, "Observatory fetches no more, and has forgotten the password or token.")
        return leave_dialog(request, reverse("connection_settings", args=[connection.pk]))
    context = {"connection": connection, "source": source, "url": room_of(source.system).url(source.config)}
    return render_dialog(request, "connections/fetching_remove.html", context)


def _doing(act: Callable[..., None], words: str) -> Callable[..., HttpResponse]:
    """Make the view of a button: do it, and come back to the tab where the button stands."""

    @dialog_methods
    @login_required
    def view(request: HttpRequest, connection_id: UUID) -> HttpResponse:
        connection = connection_to(Right.EDIT, request, connection_id)
        if request.method == "POST":
            act(source=_source_of(connection), now=timezone.now())
            messages.success(request, words)
        return redirect(_TABS.get(request.POST.get("tab", ""), "connection_settings"), connection.pk)

    return view


sync_now = _doing(ask_for_sync, "A sync begins in a moment.")
pause_fetching = _doing(pause, "Fetching is paused.")
resume_fetching = _doing(resume, "Fetching goes on.")


def _subject(request: HttpRequest, connection_id: UUID) -> tuple[Connection, PullSource | None, SourceForm]:
    """Return what the form is about, and the form. Raises Http404 for a connection that cannot be fetched from."""
    connection = connection_to(Right.ADD_KEY, request, connection_id)
    source = PullSource.objects.filter(connection=connection).first()
    room = room_of(source.system) if source else _chosen_room(request, connection)
    initial = dict(source.config) if source else _namespace_of_sent_jobs(connection)
    sent = request.POST if request.method == "POST" else None
    return connection, source, SourceForm(sent, room=room, source=source, initial=initial)


def _chosen_room(request: HttpRequest, connection: Connection) -> Room:
    """Return the room of the system that the address names, else the usual one for connections of this type."""
    rooms = rooms_for(connection.type)
    system = request.GET.get("system")
    room = next((room for room in rooms if system in (None, room.system.value)), None)
    if room is None:
        raise Http404
    return room


def _source_of(connection: Connection) -> PullSource:
    source = PullSource.objects.filter(connection=connection).first()
    if source is None:
        raise Http404
    return source


def _namespace_of_sent_jobs(connection: Connection) -> dict[str, str]:
    """Return the namespace of most jobs that were sent, so that what is fetched meets it. One query."""
    namespaces = Job.objects.of(connection).order_by().values("namespace").annotate(jobs=Count("id")).order_by("-jobs")
    found = namespaces.first()
    return {"namespace": found["namespace"]} if found else {}


def _save(form: SourceForm, connection: Connection, source: PullSource | None, request: HttpRequest) -> bool:
    """Store what was typed. Returns False if that was refused, with the reason in the form."""
    shared: dict[str, Any] = {
        "config": form.config,
        "secret": form.secret,
        "every_minutes": form.cleaned_data["every_minutes"],
        "now": timezone.now(),
    }
    try:
        if source:
            change_source(source=source, **shared)
        else:
            set_up_source(
                connection=connection,
                system=form.room.system.value,
                backfill_days=form.cleaned_data["backfill_days"],
                created_by=cast("User", request.user),
                **shared,
            )
    except (AlreadySetUp, SecretNeeded, NoSecretsKey, SecretUnreadable) as error:
        form.add_error(None, str(error))
        return False
    except PullSource.DoesNotExist:
        raise Http404 from None
    return True


def _steps(request: HttpRequest, form: SourceForm, source: PullSource | None) -> list[Step]:
    if not _PACE_OF_TESTS.allows(request.user.pk, timezone.now()):
        return [_NOT_NOW]
    try:
        # The form saw to it that a stored secret goes to its own address only.
        secret = form.secret if form.secret is not None or source is None else secret_of(source)
    except SecretUnreadable as error:
        return [Step("Password or token", False, str(error))]
    allowed = AllowedHosts.parse(settings.PULL_ALLOWED_HOSTS)
    return probe_in_time(system=form.room.system.value, config=form.config, secret=secret or {}, allowed=allowed)


def _answer(
    request: HttpRequest, connection: Connection, source: PullSource | None, more: Mapping[str, Any]
) -> HttpResponse:
    context = {
        "connection": connection,
        "source": source,
        "rooms": [] if source else rooms_for(connection.type),
        "query": "" if source else f"?system={more['form'].room.system.value}",
        "can_encrypt": can_encrypt(),
        "now": timezone.now(),
        **more,
    }
    status = 422 if context["form"].errors else 200
    if asks_for(request, "probe"):
        return for_this_reader(render(request, "connections/_probe.html", context))
    return render_dialog(request, "connections/fetching.html", context, status=status)
