"""Search: the list below the field in the header, and the page of all results."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from lineage.database.keyset import Cursor
from lineage.search.query import Search
from web.components.rendering import asks_for, render_page
from web.search.results import MOST_LISTED, MOST_SHOWN, read_results

LIST = "search-list"


@require_safe
@login_required
def search(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    wanted = Search.read(request.GET.get("q", ""), request.user, request.GET.get("near", ""))
    if asks_for(request, LIST):
        results = read_results(wanted, most=MOST_LISTED, now=now)
    else:
        results = read_results(wanted, most=MOST_SHOWN, now=now, cursor=_cursor(request.GET.get("cursor", "")))
    return render_page(request, "search/results.html", {"results": results, "now": now}, region=LIST)


def _cursor(text: str) -> Cursor | None:
    try:
        return Cursor.decode(text) if text else None
    except ValueError:
        return None
