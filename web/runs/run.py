"""Pages of a run: its state, the reason, its sender's facets, and the events as they were received."""

from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.access import hidden_classes
from connections.models import Connection
from connections.querysets import Reader
from lineage.models import Run
from lineage.runs.facets_of_run import event_of
from lineage.runs.runs_with_id import runs_with_id
from web.components.lists import Choices, refuse_wrong_values
from web.components.rendering import read_permissions, render_page
from web.runs.children import ChildRuns, read_children
from web.runs.page import RUN_PAGE, read_run_page

# The longest event that is shown as a page; longer ones are downloaded.
MOST_CHARACTERS_SHOWN = 1_000_000


@require_safe
@login_required
def run(request: HttpRequest, connection_id: UUID, run_id: UUID) -> HttpResponse:
    connections = _visible(request.user)
    connection = connections.get(connection_id) or _gone()
    choices = RUN_PAGE.read(request)
    found = _runs(connection, run_id, choices)
    if not found:
        return _unknown_run(request, connection, run_id, connections)
    now = timezone.now()
    if len(found) > 1:
        return _several_runs(request, connection, found, choices, now=now)
    found[0].connection = connection
    page = read_run_page(found[0], choices, request.user, now=now)
    context = {"connection": connection, "page": page, "run": found[0], "choices": choices, "now": now}
    return refuse_wrong_values(render_page(request, "runs/run.html", context, region="run"), choices)


@require_safe
@login_required
def run_event(request: HttpRequest, connection_id: UUID, run_id: UUID, event_id: UUID) -> HttpResponse:
    """Show one whole event: indented, or as it was received (`?as=received`)."""
    connection = get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)
    found, event = _run_with_event(connection, run_id, event_id, request.user)
    as_received = request.GET.get("as") == "received"
    context = {
        "connection": connection,
        "run": found,
        "event": event,
        "is_as_received": as_received,
        "shown": _shown(event["body"], as_received=as_received),
        "now": timezone.now(),
    }
    return render_page(request, "runs/event.html", context)


@require_safe
@login_required
def run_event_json(request: HttpRequest, connection_id: UUID, run_id: UUID, event_id: UUID) -> HttpResponse:
    """Download one event: the bytes as they were received, but for parts that the reader may not see."""
    connection = get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)
    _, event = _run_with_event(connection, run_id, event_id, request.user)
    name = f"{(event['event_type'] or 'event').lower()}-{event_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return HttpResponse(event["body"].encode(), content_type="application/json", headers=headers)


def _several_runs(
    request: HttpRequest, connection: Connection, found: list[Run], choices: Choices, *, now: datetime
) -> HttpResponse:
    """Name the runs that have one run id, for the reader to choose."""
    runs = Run.objects.of(connection).filter(id__in=[run.id for run in found])
    context = {
        "connection": connection,
        "run_id": found[0].external_id or found[0].run_id,
        "is_mapped": len({run.job_id for run in found}) == 1,
        "count": len(found),
        "children": read_children(ChildRuns(runs, connection.pk), choices, now=now),
        "choices": choices,
        "now": now,
    }
    return refuse_wrong_values(render_page(request, "runs/several.html", context), choices)


def _unknown_run(
    request: HttpRequest, connection: Connection, run_id: UUID, connections: dict[UUID, Connection]
) -> HttpResponse:
    """Answer 404, with what is known: runs that name this one as their parent, and other connections that have it."""
    now = timezone.now()
    found = Run.objects.shown().of(connection).filter(parent_run_id=run_id)
    first = found.first()
    name = first.parent_job_name if first else ""
    below = ChildRuns(found, connection.pk, prefix=name)
    holders = Run.objects.filter(connection_id__in=connections, run_id=run_id).values_list("connection_id", flat=True)
    context = {
        "connection": connection,
        "run_id": run_id,
        "name": name,
        "children": read_children(below, RUN_PAGE.read(request), now=now),
        "elsewhere": [connections[id_] for id_ in dict.fromkeys(holders)],
        "now": now,
    }
    read_permissions(request)
    return TemplateResponse(request, "runs/unknown.html", context, status=404)


def _visible(reader: Reader) -> dict[UUID, Connection]:
    return Connection.objects.visible(reader).in_bulk()


def _runs(connection: Connection, run_id: UUID, choices: Choices) -> list[Run]:
    job, index = choices["job"], choices["map_index"]
    return runs_with_id(
        run_id, [connection.pk], job_id=UUID(job) if job else None, map_index=int(index) if index else None
    )


def _run_with_event(connection: Connection, run_id: UUID, event_id: UUID, reader: Reader) -> tuple[Run, dict[str, Any]]:
    hidden = hidden_classes(connection, reader)
    for run in runs_with_id(run_id, [connection.pk]):
        if event := event_of(run, event_id, hidden=hidden):
            return run, event
    return _gone()


def _shown(body: str, *, as_received: bool) -> str:
    """Return the event's text for a page. Empty: it is too long.

    Only white space is added to indent it: numbers, escapes and repeated names stay as they were sent.
    """
    if len(body) > MOST_CHARACTERS_SHOWN:
        return ""
    if as_received:
        return body
    try:
        return msgspec.json.format(body, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return body


def _gone() -> NoReturn:
    raise Http404
