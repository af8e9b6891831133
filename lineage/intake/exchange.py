"""One request at the intake, from its head to its answer, whatever server it came through.

`begin` judges the head, the server then fills `body`, and `finish` commits and answers; `refuse` ends it early.
These three speak to the database, so an asynchronous server calls them in a thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from connections import actions
from connections.keys import MalformedKey, parse_key
from connections.models import ApiKey, Attempt, Connection
from connections.verification import KeyRefused, VerifiedKey, verify_key
from lineage.events import Event, InvalidEvent, NotJson, decode_batch, decode_event
from lineage.intake import answers, batch
from lineage.intake.answers import Answer, Rejection
from lineage.intake.body import Body
from lineage.intake.commit import DatabaseFault, commit
from lineage.intake.routes import Target
from lineage.sql.sessions import replace_ended_sessions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """What the intake reads of a request's head. Header values as they came, None where absent."""

    method: str
    authorization: str | None
    content_encoding: str | None
    content_length: str | None


class Exchange:
    body: Body

    def __init__(self, target: Target, head: Head) -> None:
        self._target = target
        self._head = head
        self._key: VerifiedKey | None = None

    def begin(self) -> Answer | None:
        """The answer, if the head decides it; None: read the body."""
        return self._answering(self._admit)

    def finish(self) -> Answer:
        """Commits what the body holds."""
        answer = self._answering(self._accept)
        assert answer is not None  # noqa: S101 - _accept always answers
        return answer

    def refuse(self, rejection: Rejection) -> Answer:
        """Ends the exchange: the refusal is listed among the connection's attempts."""
        rejection = self._judged_by_key(rejection)
        log.info("intake_rejected", status=rejection.status, code=rejection.code, connection_id=str(self._concerns()))
        self._record(Attempt.Outcome.REJECTED, rejection.status, reason=rejection.reason)
        return rejection.answer

    def _answering(self, step: Callable[[], Answer | None]) -> Answer | None:
        try:
            return step()
        except Rejection as rejection:
            return self.refuse(rejection)
        except DatabaseFault as error:
            log.warning("intake_unavailable", error=str(error), error_type=type(error).__name__)
            replace_ended_sessions()
            return self.refuse(answers.try_again("The database did not answer; the sender was asked to try again."))

    def _admit(self) -> None:
        head = self._head
        if head.method != "POST":
            raise answers.method_not_allowed(head.method)
        self._key = _verified(head.authorization)
        _check_connection(self._target, self._key)
        self.body = Body(
            encoding=head.content_encoding,
            content_length=head.content_length,
            limit=settings.INTAKE_MAX_BODY_BYTES,
        )

    def _accept(self) -> Answer:
        assert self._key is not None  # noqa: S101 - _admit came first
        now = timezone.now()
        content = self.body.content()
        try:
            if self._target.batch:
                return self._accept_batch(self._key, decode_batch(content), now)
            return self._accept_one(self._key, decode_event(content), now)
        except NotJson as error:
            raise answers.not_json(str(error)) from error
        except InvalidEvent as error:
            raise answers.invalid_event(str(error)) from error

    def _accept_one(self, key: VerifiedKey, event: Event, now: datetime) -> Answer:
        committed = commit(key, [event], now=now)
        if committed.unstorable:
            raise answers.unstorable()
        outcome = Attempt.Outcome.STORED if committed.stored else Attempt.Outcome.REPEAT
        status = 201 if committed.stored else 200
        self._accepted(key, outcome, status, [event], now)
        return Answer(status, {"outcome": outcome.value})

    def _accept_batch(self, key: VerifiedKey, decoded: list[Event | InvalidEvent], now: datetime) -> Answer:
        events = [event for event in decoded if isinstance(event, Event)]
        committed = commit(key, events, now=now)
        failures = batch.failures(decoded, committed.unstorable)
        if failures and len(failures) == len(decoded):
            self._record(Attempt.Outcome.REJECTED, 200, reason=batch.summary_in_words(failures, len(decoded)))
        else:
            outcome = Attempt.Outcome.STORED if committed.stored else Attempt.Outcome.REPEAT
            self._accepted(key, outcome, 200, events, now)
            if failures:
                self._record(Attempt.Outcome.REJECTED, 200, reason=batch.summary_in_words(failures, len(decoded)))
        return Answer(200, batch.content(len(decoded), failures))

    def _accepted(self, key: VerifiedKey, outcome: str, status: int, events: list[Event], now: datetime) -> None:
        """What is only good to know must not fail what is committed."""
        try:
            actions.touch_api_keys(key_ids=[key.key_id], now=now)
        except DatabaseFault:
            log.warning("api_key_not_touched", key_id=str(key.key_id))
        job = next((event.job.name for event in events if event.job), "")
        self._record(outcome, status, job_name=job)

    def _record(self, outcome: str, status: int, *, reason: str = "", job_name: str = "") -> None:
        connection_id = self._concerns()
        if connection_id is None:
            return
        try:
            actions.record_attempt(
                connection_id=connection_id,
                at=timezone.now(),
                outcome=outcome,
                status=status,
                reason=reason,
                key_name=self._key.name if self._key and self._key.connection_id == connection_id else "",
                job_name=job_name,
            )
        except DatabaseFault:
            log.warning("attempt_not_recorded", connection_id=str(connection_id))

    def _concerns(self) -> UUID | None:
        """The connection on whose page the attempt is listed: the one in the URL, else the key's."""
        return self._target.connection_id or (self._key.connection_id if self._key else None)

    def _judged_by_key(self, rejection: Rejection) -> Rejection:
        """A remembered key may have been deleted meanwhile: then that is the answer, whatever else is wrong."""
        if self._key is None or rejection.status in (401, 503):
            return rejection
        try:
            is_live = ApiKey.objects.live().filter(id=self._key.key_id).exists()
        except DatabaseFault:
            return rejection
        return rejection if is_live else answers.key_refused("The API key was deleted.")


def _verified(authorization: str | None) -> VerifiedKey:
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise answers.key_refused("The request brought no API key: it needs the header Authorization: Bearer <key>.")
    try:
        parse_key(text.strip())
    except MalformedKey as error:
        raise answers.key_refused("What was sent as API key is none: it may have been cut or mistyped.") from error
    try:
        return verify_key(text.strip())
    except KeyRefused as error:
        raise answers.key_refused("The API key is unknown, wrong or was deleted.") from error


def _check_connection(target: Target, key: VerifiedKey) -> None:
    """Whether the key is of the connection that the path names. What exists is told to holders of a key alone."""
    if target.malformed_id:
        raise answers.unknown_connection()
    if target.connection_id in (None, key.connection_id):
        return
    if Connection.objects.visible().filter(id=target.connection_id).exists():
        raise answers.key_of_another_connection()
    raise answers.unknown_connection()
