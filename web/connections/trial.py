"""Send a test event: the server judges a key and an event as the intake would, and stores nothing of it."""

from collections.abc import Callable
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from connections.access import Right
from connections.forms import TrialForm
from web.components.rendering import dialog_methods, render_dialog
from web.connections.refusals import Refused, read_refusal
from web.connections.rights import connection_to
from web.guides import example_event

# Judges a key and a body, given by name, for a connection. Pages do not know the intake: observability/urls.py brings
# it in.
TryEvent = Callable[..., Refused]


@dialog_methods
@login_required
@sensitive_post_parameters("key")
@never_cache
def send_test_event(request: HttpRequest, connection_id: UUID, try_event: TryEvent) -> HttpResponse:
    """Ask for a key and an event, and answer with the verdict."""
    connection = connection_to(Right.ADD_KEY, request, connection_id)
    event = example_event("START", run_id=str(uuid4()), event_time=f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}")
    form = TrialForm(request.POST if request.method == "POST" else None, initial={"event": event})
    context = {"connection": connection, "form": form}
    if form.is_valid():
        texts = form.cleaned_data
        verdict = try_event(connection.pk, key=texts["key"], body=texts["event"].encode("utf-8", "surrogatepass"))
        context |= {"verdict": verdict, "refusal": read_refusal(verdict, request.user) if verdict.code else None}
    return render_dialog(request, "connections/test_event.html", context, status=422 if form.errors else 200)
