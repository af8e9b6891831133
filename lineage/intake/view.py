"""The intake under a synchronous server: a Django view."""

from collections.abc import Iterator
from functools import partial
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from lineage.database.sessions import survive_lost_session
from lineage.digest.digest import Submission
from lineage.intake import attempts
from lineage.intake.accounting import commit_and_count, count_events
from lineage.intake.answers import Answer, Code
from lineage.intake.commit import Committed
from lineage.intake.exchange import Exchange, Head
from lineage.intake.metrics import rejected
from lineage.intake.routes import target_of
from lineage.intake.settling import settle_marked
from lineage.intake.transport import is_exposed

_CHUNK = 64 * 1024


@csrf_exempt
def intake(request: HttpRequest, **_groups: str) -> HttpResponse:
    target = target_of(request.path_info)
    assert target is not None  # noqa: S101 - the URLconf matches by the same pattern
    began = perf_counter()
    exchange = Exchange(target)
    try:
        answer = _answer(request, exchange)
        attempts.write(exchange.attempts)
    finally:
        exchange.account(perf_counter() - began)
    headers = {"Content-Type": "application/json", **answer.headers}
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def _answer(request: HttpRequest, exchange: Exchange) -> Answer:
    head = _head(request)
    try:
        survive_lost_session(partial(exchange.admit, head))
        exchange.expect_body(head)
        for chunk in _chunks(request):
            exchange.body.add(chunk)
        exchange.decode()
        if exchange.needs_routing:
            survive_lost_session(exchange.route)
        submissions = exchange.submissions
        committed = commit_and_count(submissions, now=timezone.now()) if submissions else []
        for submission, its in zip(submissions, committed, strict=True):
            _follow_up(submission, its)
        return exchange.conclude_all(committed)
    except Exception as fault:  # noqa: BLE001 - it is answered, and logged unless it was expected
        return exchange.refuse(fault)


def _follow_up(submission: Submission, committed: Committed) -> None:
    if committed.waits:
        count_events(rejected(Code.ROWS_LOCKED), len(submission.events))
    if not committed.is_settled:
        while settle_marked(submission.connection_id):
            pass


def _head(request: HttpRequest) -> Head:
    return Head(
        method=request.method or "",
        authorization=request.headers.get("Authorization"),
        content_encoding=request.headers.get("Content-Encoding"),
        content_length=request.headers.get("Content-Length"),
        exposed=is_exposed(
            scheme=request.scheme or "",
            forwarded_proto=request.headers.get("X-Forwarded-Proto"),
            client=request.META.get("REMOTE_ADDR"),
        ),
    )


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    """Java clients that compress send chunks and no length: Django then takes the body for empty, so the server's own
    stream is read (gunicorn ends it where the body ends)."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream = request.META["wsgi.input"] if chunked and "wsgi.input" in request.META else request
    while chunk := stream.read(_CHUNK):
        yield chunk
