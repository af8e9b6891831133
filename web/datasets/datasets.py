"""The Datasets page: every dataset of every connection, by name."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.rendering import render_page
from web.datasets.table import DATASETS, read_dataset_table


@require_safe
@login_required
def datasets(request: HttpRequest) -> HttpResponse:
    table = read_dataset_table(DATASETS.read(request), request.user)
    return render_page(request, "datasets/list.html", {"table": table, "now": timezone.now()}, region="datasets")
