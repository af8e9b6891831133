"""Trials: a person gives a key and an event on a connection's page, and learns what the intake would answer."""

from uuid import UUID

from django.conf import settings
from django.utils import timezone

from connections.models import Attempt as AttemptRow
from connections.verification import verify_key
from lineage.events import Event
from lineage.intake import answers, attempts
from lineage.intake.attempts import Attempt
from lineage.intake.exchange import Exchange, Head, events_in, first_job_name
from lineage.intake.routes import Target


def try_event(connection_id: UUID, *, key: str, body: bytes) -> Attempt:
    """Judge `key` and `body` as the intake would. Lists that as a test among the connection's attempts.

    Commits nothing else: neither the event, nor that the key was used, and no counter counts it. Raises the database's
    errors.
    """
    attempt = _judge(connection_id, key, body)._replace(outcome=AttemptRow.Outcome.TEST, key_id=None)
    attempts.write([attempt])
    return attempt


def _judge(connection_id: UUID, key: str, body: bytes) -> Attempt:
    exchange = Exchange(Target(connection_id))
    head = Head("POST", exposed=False, authorization=f"Bearer {key}", content_encoding=None, content_length=None)
    try:
        exchange.admit(head)
        if len(body) > settings.INTAKE_MAX_BODY_BYTES:
            raise answers.body_too_large(settings.INTAKE_MAX_BODY_BYTES)
        events = events_in(body, is_batch=False)
        # The process remembers the key by now, even if it was deleted meanwhile: a commit would find that out.
        verified = verify_key(key)
        if not verified.is_live():
            raise answers.key_refused("The API key was deleted.")
    except answers.Rejection as rejection:
        exchange.refuse(rejection)
        (attempt,) = exchange.attempts
        return attempt
    job_name = first_job_name(event for event in events if isinstance(event, Event))
    return Attempt(
        *(connection_id, None, timezone.now(), "", answers.STORED.status), key_name=verified.name, job_name=job_name
    )
