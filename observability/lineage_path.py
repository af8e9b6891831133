"""The path /api/v1/lineage: clients that know only Marquez send events there, and the read API answers there."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from api.views import LineageView
from lineage.intake.routes import is_read
from lineage.intake.view import intake

_read = LineageView.as_view()


@csrf_exempt
def lineage(request: HttpRequest) -> HttpResponseBase:
    return _read(request) if is_read(request.method or "", request.path_info) else intake(request)
