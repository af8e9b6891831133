"""The Datasets page: every dataset of every connection, by name."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import render_page
from web.datasets.table import DATASETS, read_dataset_table


@require_safe
@login_required
def datasets(request: HttpRequest) -> HttpResponse:
    choices = DATASETS.read(request)
    table = read_dataset_table(choices, request.user)
    context = {"table": table, "density": density_of(choices, request), "now": timezone.now()}
    response = render_page(request, "datasets/list.html", context, region="datasets")
    return remember_density(request, refuse_wrong_values(response, choices), choices)
