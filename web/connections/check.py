"""Check: the runs of the last day that the system lists, beside those that are stored."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.access import Right
from connections.pacing import Pace
from pull.checking import check
from pull.comparison import Comparison
from pull.http.faults import Fault
from pull.http.hosts import AllowedHosts
from pull.models import PullSource
from pull.secrets import SecretUnreadable
from web.components.rendering import render_page
from web.connections.rights import connection_to

# Differences that the page names.
_MOST_NAMED: Final = 50
# Of checks by one person: each asks the system.
_PACE: Final = Pace(count=10, per=timedelta(minutes=5))
_NOT_NOW: Final = "You checked many times. Go on in some minutes."


@require_safe
@login_required
def check_fetching(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = connection_to(Right.EDIT, request, connection_id)
    source = PullSource.objects.select_related("connection").filter(connection=connection).first()
    if source is None:
        raise Http404
    found, reason = _check(source, request)
    differences = found.differences if found else []
    context = {
        "connection": connection,
        "source": source,
        "found": found,
        "reason": reason,
        "named": differences[:_MOST_NAMED],
        "more": max(0, len(differences) - _MOST_NAMED),
        "now": timezone.now(),
    }
    return render_page(request, "connections/check.html", context)


def _check(source: PullSource, request: HttpRequest) -> tuple[Comparison | None, str]:
    """Return what was found, or why nothing was."""
    if not _PACE.allows(request.user.pk, timezone.now()):
        return None, _NOT_NOW
    allowed = AllowedHosts.parse(settings.PULL_ALLOWED_HOSTS)
    try:
        return check(source, allowed=allowed, now=timezone.now()), ""
    except Fault as fault:
        return None, fault.words
    except SecretUnreadable as error:
        return None, str(error)
