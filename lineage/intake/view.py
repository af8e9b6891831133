"""The intake under a synchronous server: a Django view."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from lineage.intake.answers import Answer, Rejection
from lineage.intake.exchange import Exchange, Head
from lineage.intake.routes import target_of

_CHUNK = 64 * 1024


@csrf_exempt
def intake(request: HttpRequest, **_groups: str) -> HttpResponse:
    target = target_of(request.path_info)
    assert target is not None  # noqa: S101 - the URLconf matches by the same pattern
    exchange = Exchange(target, _head(request))
    answer = exchange.begin() or _read_and_finish(request, exchange)
    return HttpResponse(
        answer.body, status=answer.status, headers=dict(answer.headers), content_type="application/json"
    )


def _head(request: HttpRequest) -> Head:
    return Head(
        method=request.method or "",
        authorization=request.headers.get("Authorization"),
        content_encoding=request.headers.get("Content-Encoding"),
        content_length=request.headers.get("Content-Length"),
    )


def _read_and_finish(request: HttpRequest, exchange: Exchange) -> Answer:
    try:
        for chunk in _chunks(request):
            exchange.body.add(chunk)
    except Rejection as rejection:
        return exchange.refuse(rejection)
    return exchange.finish()


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    """Java clients that compress send chunks and no length: Django then takes the body for empty, so the server's own
    stream is read (gunicorn ends it where the body ends)."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream = request.META["wsgi.input"] if chunked and "wsgi.input" in request.META else request
    while chunk := stream.read(_CHUNK):
        yield chunk
