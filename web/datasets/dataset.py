"""The page of a dataset."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from lineage.datasets.dataset import find_dataset, read_dataset
from web.components.rendering import render_page
from web.datasets.page import PARTS, dataset_page


@require_safe
@login_required
def dataset(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    found = find_dataset(dataset_id, request.user)
    if found is None:
        raise Http404
    now, part = timezone.now(), request.GET.get("all", "")
    page = dataset_page(read_dataset(found), part if part in PARTS else "", now=now)
    context = {"dataset": found.dataset, "page": page, "details": page.details, "now": now}
    return render_page(request, "datasets/dataset.html", context, region="dataset")
