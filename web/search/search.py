"""Search: the list below the field in the header, and the page of all results."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import asks_for, render_page
from web.search.results import MOST_LISTED, MOST_SHOWN, SEARCH, read_results

LIST = "search-list"


@require_safe
@login_required
def search(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    choices = SEARCH.read(request)
    most = MOST_LISTED if asks_for(request, LIST) else MOST_SHOWN
    results = read_results(choices, request.user, most=most, now=now)
    context = {"results": results, "density": density_of(choices, request), "now": now}
    response = refuse_wrong_values(render_page(request, "search/results.html", context, region=LIST), choices)
    return remember_density(request, response, choices)
