"""One request at the intake, step by step, whatever server it came through.

`admit` (or `admit_remembered`), then the server fills `body`, then `decode`, then whoever commits takes `submission`,
then `conclude`. Each step raises Rejection where it ends the exchange; `refuse` turns that into the answer.
"""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from connections.keys import MalformedKey, parse_key
from connections.models import ApiKey, Connection
from connections.models import Attempt as AttemptRow
from connections.verification import KeyRefused, VerifiedKey, forget_key, remembered_key, verify_key
from lineage.digest import Submission
from lineage.events import Event, InvalidEvent, NotJson, decode_batch, decode_event
from lineage.intake import answers, batch
from lineage.intake.answers import Answer, Rejection
from lineage.intake.attempts import Attempt
from lineage.intake.body import Body
from lineage.intake.commit import Committed, DatabaseFault
from lineage.intake.routes import Target

log = structlog.get_logger(__name__)

Outcome = AttemptRow.Outcome


@dataclass(frozen=True, slots=True)
class Head:
    """What the intake reads of a request's head. Header values as they came, None where absent."""

    method: str
    authorization: str | None
    content_encoding: str | None
    content_length: str | None


class Exchange:
    body: Body
    submission: Submission

    def __init__(self, target: Target, head: Head) -> None:
        self._target = target
        self._head = head
        # What `conclude` leaves to be written down, by whoever can wait for it.
        self.attempts: list[Attempt] = []
        self._key: VerifiedKey | None = None
        self._decoded: list[Event | InvalidEvent] = []

    def admit(self) -> None:
        """Judges the head. Asks the database, and may take as long as a hash does."""
        head = self._head
        if head.method != "POST":
            raise answers.method_not_allowed(head.method)
        self._key = _verified(head.authorization)
        _check_connection(self._target, self._key)
        self._expect_body()

    def admit_remembered(self) -> bool:
        """Judges the head by what the process knows; False: ask `admit`."""
        if self._head.method != "POST":
            raise answers.method_not_allowed(self._head.method)
        key = remembered_key(_well_formed(self._head.authorization))
        if key is None or self._target.malformed_id or self._target.connection_id not in (None, key.connection_id):
            return False
        self._key = key
        self._expect_body()
        return True

    def _expect_body(self) -> None:
        self.body = Body(
            encoding=self._head.content_encoding,
            content_length=self._head.content_length,
            limit=settings.INTAKE_MAX_BODY_BYTES,
        )

    def decode(self) -> None:
        """Reads the events of the body: sets `submission`."""
        assert self._key is not None  # noqa: S101 - it was admitted
        content = self.body.content()
        try:
            self._decoded = decode_batch(content) if self._target.batch else [decode_event(content)]
        except NotJson as error:
            raise answers.not_json(str(error)) from error
        except InvalidEvent as error:
            raise answers.invalid_event(str(error)) from error
        self._events = [event for event in self._decoded if isinstance(event, Event)]
        self.submission = Submission(self._key.connection_id, self._key.key_id, self._events)

    @property
    def size(self) -> int:
        """Bytes of the decoded events, inflated."""
        return sum(len(event.body) for event in self._events)

    @property
    def is_admitted(self) -> bool:
        return self._key is not None

    def conclude(self, committed: Committed) -> Answer:
        """The answer to what was committed."""
        if not committed.accepted:
            forget_key(_bearer(self._head.authorization))
            raise answers.key_refused("The API key was deleted.")
        if self._target.batch:
            return self._conclude_batch(committed)
        if committed.unstorable:
            raise answers.unstorable()
        answer = answers.STORED if committed.stored else answers.REPEAT
        self._note_accepted(committed, answer.status)
        return answer

    def _conclude_batch(self, committed: Committed) -> Answer:
        failures = batch.failures(self._decoded, committed.unstorable)
        if len(failures) < len(self._decoded):
            self._note_accepted(committed, batch.STATUS)
        if failures:
            words = batch.in_words(failures, len(self._decoded))
            self.attempts += self._attempt(Outcome.REJECTED, batch.STATUS, reason=words)
        return batch.answer(len(self._decoded), failures)

    def refuse(self, rejection: Rejection) -> Answer:
        """Ends the exchange: the refusal is left to be listed among the connection's attempts. Asks the database where
        a key was admitted."""
        rejection = self._judged_by_key(rejection)
        log.info("intake_rejected", status=rejection.status, code=rejection.code, connection_id=str(self._concerns()))
        # While the database is away, writing would only make the sender wait longer.
        if rejection.status != HTTPStatus.SERVICE_UNAVAILABLE:
            self.attempts = self._attempt(Outcome.REJECTED, rejection.status, reason=rejection.reason)
        return rejection.answer

    def _note_accepted(self, committed: Committed, status: int) -> None:
        job_name = next((event.job.name for event in self._events if event.job), "")
        outcome = Outcome.STORED if committed.stored else Outcome.REPEAT
        self.attempts += self._attempt(outcome, status, job_name=job_name)

    def _attempt(self, outcome: str, status: int, *, reason: str = "", job_name: str = "") -> list[Attempt]:
        """How the exchange ended; nothing where no connection is concerned."""
        connection_id = self._concerns()
        if connection_id is None:
            return []
        key = self._key if self._key and self._key.connection_id == connection_id else None
        return [
            Attempt(
                connection_id=connection_id,
                key_id=key.key_id if key and outcome != Outcome.REJECTED else None,
                at=timezone.now(),
                outcome=outcome,
                status=status,
                reason=reason,
                key_name=key.name if key else "",
                job_name=job_name,
            )
        ]

    def _concerns(self) -> UUID | None:
        """The connection on whose page the attempt is listed: the one in the URL, else the key's."""
        return self._target.connection_id or (self._key.connection_id if self._key else None)

    def _judged_by_key(self, rejection: Rejection) -> Rejection:
        """A remembered key may have been deleted meanwhile: then that is the answer, whatever else is wrong."""
        if self._key is None or rejection.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE):
            return rejection
        try:
            is_live = ApiKey.objects.live().filter(id=self._key.key_id).exists()
        except DatabaseFault:
            return rejection
        return rejection if is_live else answers.key_refused("The API key was deleted.")


def _bearer(authorization: str | None) -> str:
    """The key's text in the header, empty where there is none."""
    scheme, _, text = (authorization or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _well_formed(authorization: str | None) -> str:
    """The key's text in the header. Raises Rejection where it is none."""
    text = _bearer(authorization)
    if not text:
        raise answers.key_refused("The request brought no API key: it needs the header Authorization: Bearer <key>.")
    try:
        parse_key(text)
    except MalformedKey as error:
        raise answers.key_refused("The text that was sent is no API key: it may have been cut or mistyped.") from error
    return text


def _verified(authorization: str | None) -> VerifiedKey:
    try:
        return verify_key(_well_formed(authorization))
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
