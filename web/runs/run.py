"""A run: what became of it, why, and what its sender said, down to the events as they were received."""

from typing import NoReturn
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import Connection
from lineage.models import Run
from lineage.runs.facets_of_run import event_of
from web.components.rendering import render_page
from web.runs.children import Children
from web.runs.page import RunPage
from web.runs.page_choices import RunPageChoices

# The longest event that is shown as a page; longer ones are downloaded.
MOST_CHARACTERS_SHOWN = 1_000_000


@require_safe
@login_required
def run(request: HttpRequest, connection_id: UUID, run_id: UUID) -> HttpResponse:
    connections = _visible()
    connection = connections.get(connection_id) or _gone()
    found = _run(connection, run_id)
    if found is None:
        return _unknown_run(request, connection, run_id, connections)
    now = timezone.now()
    page = RunPage(found, RunPageChoices.read_from(request.GET), now)
    context = {"connection": connection, "page": page, "run": found, "now": now}
    return render_page(request, "runs/run.html", context, region="run")


@require_safe
@login_required
def run_event(request: HttpRequest, connection_id: UUID, run_id: UUID, event_id: UUID) -> HttpResponse:
    """One event, whole, as it was received."""
    connection = get_object_or_404(Connection.objects.visible(), pk=connection_id)
    found = _run(connection, run_id) or _gone()
    event = event_of(found, event_id) or _gone()
    context = {
        "connection": connection,
        "run": found,
        "event": event,
        "shown": event["body"] if len(event["body"]) <= MOST_CHARACTERS_SHOWN else "",
        "now": timezone.now(),
    }
    return render_page(request, "runs/event.html", context)


@require_safe
@login_required
def run_event_json(_request: HttpRequest, connection_id: UUID, run_id: UUID, event_id: UUID) -> HttpResponse:
    """The same as a file: the very bytes that were received."""
    connection = get_object_or_404(Connection.objects.visible(), pk=connection_id)
    found = _run(connection, run_id) or _gone()
    event = event_of(found, event_id) or _gone()
    name = f"{(event['event_type'] or 'event').lower()}-{event_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return HttpResponse(event["body"].encode(), content_type="application/json", headers=headers)


def _unknown_run(
    request: HttpRequest, connection: Connection, run_id: UUID, connections: dict[UUID, Connection]
) -> HttpResponse:
    """404, with what is known even so: the runs that name it as their parent, and other connections that have it."""
    now = timezone.now()
    found = Run.objects.shown().of(connection).filter(parent_run_id=run_id)
    first = found.first()
    children = Children(
        found,
        connection.pk,
        RunPageChoices.read_from(request.GET),
        now,
        prefix=first.parent_job_name if first else "",
    )
    holders = Run.objects.filter(connection_id__in=connections, id=run_id).values_list("connection_id", flat=True)
    context = {
        "connection": connection,
        "run_id": run_id,
        "name": first.parent_job_name if first else "",
        "children": children,
        "elsewhere": [connections[id_] for id_ in holders],
        "now": now,
    }
    return TemplateResponse(request, "runs/unknown.html", context, status=404)


def _visible() -> dict[UUID, Connection]:
    return Connection.objects.visible().in_bulk()


def _run(connection: Connection, run_id: UUID) -> Run | None:
    return Run.objects.of(connection).filter(id=run_id).prefetch_related("job").first()


def _gone() -> NoReturn:
    raise Http404
