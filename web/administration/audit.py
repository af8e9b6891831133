"""The audit for administrators: a list, and its entries as a file."""

import csv

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.administration.audit_rows import CSV_HEAD, csv_row
from web.administration.audit_table import AUDIT, entries_of_file, read_audit_table
from web.components.administrators import administrators_only
from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import render_page


@require_safe
@administrators_only
def audit(request: HttpRequest) -> HttpResponse:
    choices = AUDIT.read(request)
    table = read_audit_table(choices)
    context = {"table": table, "density": density_of(choices, request), "now": timezone.now()}
    response = render_page(request, "administration/audit.html", context, region="audit")
    return remember_density(request, refuse_wrong_values(response, choices), choices)


@require_safe
@administrators_only
def audit_csv(request: HttpRequest) -> HttpResponse:
    """The chosen entries as CSV. 400 for wrong values of the URL."""
    choices = AUDIT.read(request)
    if choices.errors:
        words = "\n".join(f"{name}: {error}" for name, error in choices.errors.items())
        return HttpResponse(words, status=400, content_type="text/plain; charset=utf-8")
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.now():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "private, no-store"
    writer = csv.writer(response)
    writer.writerow(CSV_HEAD)
    writer.writerows(csv_row(entry) for entry in entries_of_file(choices))
    return response
