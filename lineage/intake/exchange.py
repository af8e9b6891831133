"""A request at the intake, step by step, through any server.

`admit` (or `admit_remembered`), then `expect_body`, the server fills `body`, then `decode`, then the committer takes
`submission`, then `conclude`. If it `needs_routing`, `route` comes after `decode`, the committer takes `submissions`,
and `conclude_all` follows. An exception in any step ends the exchange, and `refuse` makes the answer of it.
`account` comes last.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from connections.keys import MalformedKey, parse_key, prefix_of_sender
from connections.models import Connection
from connections.verification import (
    AnyVerifiedKey,
    KeyRefused,
    VerifiedKey,
    VerifiedWorkspaceKey,
    forget_key,
    remembered_key,
    verify_key,
)
from connections.vouchers import VoucherKind
from lineage.database.sessions import count_error, replace_ended_sessions, what_happened
from lineage.digest.digest import Submission
from lineage.events import Event, InvalidEvent, NotJson, decode_batch, decode_event
from lineage.intake import answers, batch
from lineage.intake.accounting import count_events, count_request
from lineage.intake.answers import Answer, Code, Rejection
from lineage.intake.attempts import Attempt
from lineage.intake.body import Body
from lineage.intake.commit import Committed, DatabaseFault
from lineage.intake.metrics import REPEAT, STORED, Ending, Outcome, rejected
from lineage.intake.routes import Target
from lineage.intake.workspace import Routed, Sorted, Unroutable, route

log = structlog.get_logger(__name__)

_QUOTES: Final = frozenset("\"'`")


class Head(NamedTuple):
    """The part of a request's head that the intake reads. Header values as they came; None: absent."""

    method: str
    # The request came over plain HTTP, although the product is served over TLS.
    exposed: bool
    authorization: str | None
    content_encoding: str | None
    content_length: str | None


class Exchange:
    body: Body
    submission: Submission

    def __init__(self, target: Target) -> None:
        self._target = target
        # Attempts that are still to be written down; the server decides when.
        self.attempts: list[Attempt] = []
        self._ending: Ending = rejected(Code.ABANDONED)
        self._status: int | None = None
        self._key: AnyVerifiedKey | None = None
        self._decoded: Sequence[Sorted] = ()
        self._routed: Routed | None = None
        self._results: Sequence[Committed] = ()

    def admit(self, head: Head) -> None:
        """Judges the head. Asks the database."""
        if self._target.unknown_path:
            self._key = _key_if_valid(head.authorization)
        self._check_request_line(head)
        self._key = _verified(head.authorization)
        _check_connection(self._target, self._key)

    def admit_remembered(self, head: Head) -> bool:
        """Judges the head by the keys that the process remembers; False: call `admit`."""
        text = _bearer(head.authorization)
        key = remembered_key(text)
        if self._target.unknown_path:
            # Only the key tells on which connection's page this refusal is listed.
            if text and key is None:
                return False
            self._key = key
        self._check_request_line(head)
        if key is None or not self._target.is_of(key.connection_id):
            return False
        self._key = key
        return True

    def _check_request_line(self, head: Head) -> None:
        if self._target.unknown_path:
            raise answers.unknown_path()
        if head.method != "POST":
            raise answers.method_not_allowed(head.method, reads=self._target.reads)
        if head.exposed:
            raise answers.plain_http()

    def expect_body(self, head: Head) -> None:
        """Sets `body`. Raises Rejection if the head alone shows that it is to be refused."""
        self.body = Body(
            encoding=head.content_encoding,
            content_length=head.content_length,
            limit=settings.INTAKE_MAX_BODY_BYTES,
        )

    def decode(self) -> None:
        """Reads the events of the body: sets `submission`, unless it `needs_routing`."""
        try:
            decoded = events_in(self.body.content(), is_batch=self._target.batch)
        except Rejection as rejection:
            if rejection.code == Code.INVALID_EVENT and not self._target.batch:
                count_events(rejected(Code.INVALID_EVENT), 1)
            raise
        self._take(decoded)
        count_events(rejected(Code.INVALID_EVENT), len(decoded) - len(self._events))
        if isinstance(self._key, VerifiedKey):
            self.submission = Submission(self._key.voucher, self._events)

    @property
    def needs_routing(self) -> bool:
        """True if each event names its own connection. Known once the key is admitted."""
        return isinstance(self._key, VerifiedWorkspaceKey)

    def route(self) -> None:
        """Finds the connections of the events. Asks the database. Raises Rejection for a single event without one."""
        assert isinstance(self._key, VerifiedWorkspaceKey)  # noqa: S101 - see needs_routing
        decoded = [event for event in self._decoded if not isinstance(event, Unroutable)]
        self._routed = route(self._key, decoded, now=timezone.now())
        if self._routed is None:
            forget_key(self._key)
            raise answers.key_refused("The workspace key was deleted, or has expired.")
        unroutable = self._routed.unroutable
        count_events(rejected(Code.UNMATCHED_NAMESPACE), len(unroutable))
        if unroutable and not self._target.batch:
            raise answers.unmatched(str(unroutable[0]))
        self._take(self._routed.events)

    @property
    def submissions(self) -> list[Submission]:
        """The events by connection."""
        return [self.submission] if self._routed is None else self._routed.submissions

    def _take(self, decoded: Sequence[Sorted]) -> None:
        self._decoded = decoded
        self._events = [event for event in decoded if isinstance(event, Event)]

    @property
    def sharer(self) -> UUID:
        """The id by which limits are shared out: that of the admitted key's connection, or of the workspace key."""
        assert self._key is not None  # noqa: S101 - it was admitted
        return self._key.connection_id or self._key.key_id

    @property
    def is_batch(self) -> bool:
        return self._target.batch

    @property
    def size(self) -> int:
        """Bytes of the decoded events, inflated."""
        return sum(len(event.body) for event in self._events)

    def conclude_all(self, committed: Sequence[Committed]) -> Answer:
        """The answer to what was committed of `submissions`."""
        if self._routed is None:
            [only] = committed
            return self.conclude(only)
        merged = self._routed.merge(committed)
        if not merged.accepted:
            raise answers.route_changed()
        self._results = committed
        return self.conclude(merged)

    def conclude(self, committed: Committed) -> Answer:
        """The answer to what was committed."""
        if not committed.accepted:
            assert self._key is not None  # noqa: S101 - it was admitted
            forget_key(self._key)
            raise answers.key_refused("The API key was deleted.")
        if committed.waits:
            raise answers.rows_locked()
        if self._target.batch:
            return self._conclude_batch(committed)
        if committed.unstorable:
            raise answers.unstorable()
        answer, ending = (answers.STORED, STORED) if committed.stored else (answers.REPEAT, REPEAT)
        self._note_accepted(ending, answer.status)
        return answer

    def _conclude_batch(self, committed: Committed) -> Answer:
        """Answers a batch. An empty one is a repeat: accepted, and nothing is new."""
        failures = batch.failures(self._decoded, committed.unstorable)
        received = len(self._decoded)
        code = Code.UNSTORABLE if len(self._events) == received else Code.INVALID_EVENT
        if failures and len(failures) == received:
            self._end(rejected(self._code_of_failures()), batch.STATUS)
        else:
            self._note_accepted(STORED if committed.stored else REPEAT, batch.STATUS)
            if failures:
                self._log("intake_batch_partly_rejected", rejected=len(failures), received=received)
        if failures:
            words = batch.in_words(failures, received)
            self.attempts += self._attempt(Outcome.REJECTED, batch.STATUS, reason=words, code=code)
        return batch.answer(received, failures)

    def _code_of_failures(self) -> Code:
        """The code of a batch of which nothing was stored."""
        if self._events:
            return Code.UNSTORABLE
        return Code.UNMATCHED_NAMESPACE if self._routed and self._routed.unroutable else Code.INVALID_EVENT

    def can_refuse_at_once(self, fault: Exception) -> bool:
        """Returns True if `refuse` will not ask the database."""
        return isinstance(fault, Rejection) and (self._key is None or fault.asks_to_try_again)

    def refuse(self, fault: Exception) -> Answer:
        """Ends the exchange with the exception that stopped it: a Rejection, an error of the database, or a defect of
        ours. The refusal is left to be listed among the connection's attempts."""
        rejection = self._judged_by_key(_rejection_of(fault))
        self._end(rejected(rejection.code), rejection.status)
        # While the database is away, writing would only make the sender wait longer.
        if not rejection.asks_to_try_again:
            self.attempts = self._attempt(
                Outcome.REJECTED, rejection.status, reason=rejection.reason, code=rejection.code
            )
        return rejection.answer

    def account(self, seconds: float) -> None:
        """Counts how the exchange ended after this time. One that nothing ended was abandoned by its sender."""
        count_request(self._ending, seconds)
        _, code = self._ending
        if code:
            self._log("intake_rejected", status=self._status, code=code.value)

    def _log(self, event: str, **fields: object) -> None:
        connection_id = self._concerns()
        if isinstance(self._key, VerifiedWorkspaceKey):
            fields["workspace_key_id"] = str(self._key.key_id)
        log.info(event, connection_id=str(connection_id) if connection_id else None, **fields)

    def _end(self, ending: Ending, status: int) -> None:
        self._ending, self._status = ending, status

    def _note_accepted(self, ending: Ending, status: int) -> None:
        self._end(ending, status)
        if self._routed is None:
            self.attempts += self._attempt(ending[0], status, job_name=first_job_name(self._events))
            return
        assert isinstance(self._key, VerifiedWorkspaceKey)  # noqa: S101 - see needs_routing
        self.attempts += [
            Attempt(
                connection_id=submission.connection_id,
                key_id=self._key.key_id,
                key_kind=VoucherKind.WORKSPACE_KEY,
                at=timezone.now(),
                outcome=Outcome.STORED if result.stored else Outcome.REPEAT,
                status=status,
                key_name=self._key.name,
                job_name=first_job_name(submission.events),
            )
            for submission, result in zip(self._routed.submissions, self._results, strict=True)
        ]

    def _attempt(
        self, outcome: str, status: int, *, reason: str = "", code: str = "", job_name: str = ""
    ) -> list[Attempt]:
        """Makes the attempt that shows how the exchange ended; none if the request concerns neither a connection nor a
        workspace key."""
        connection_id = self._listed_at()
        is_of_workspace = connection_id is None
        if is_of_workspace and self._key is None:
            return []
        key = self._key if self._key and self._key.connection_id == connection_id else None
        key_connection_id = self._key.connection_id if self._key and not key else None
        return [
            Attempt(
                connection_id=connection_id,
                key_id=key.key_id if key and (is_of_workspace or outcome != Outcome.REJECTED) else None,
                at=timezone.now(),
                outcome=outcome,
                status=status,
                reason=reason,
                code=code,
                key_name=key.name if key else "",
                job_name=job_name,
                key_connection_id=key_connection_id,
            )
        ]

    def _concerns(self) -> UUID | None:
        """The connection that the request is about: the one in the URL, else the key's."""
        return self._target.connection_id or (self._key.connection_id if self._key else None)

    def _listed_at(self) -> UUID | None:
        """The connection on whose page the attempt is listed: the key's, if there is none with the URL's id."""
        _, code = self._ending
        return self._key.connection_id if self._key and code == Code.UNKNOWN_CONNECTION else self._concerns()

    def _judged_by_key(self, rejection: Rejection) -> Rejection:
        """Replaces a rejection if the remembered key was deleted meanwhile: then the deletion is the answer."""
        if self._key is None or rejection.asks_to_try_again or rejection.code == Code.KEY_REFUSED:
            return rejection
        try:
            is_live = self._key.is_live()
        except DatabaseFault:
            return rejection
        return rejection if is_live else answers.key_refused("The API key was deleted.")


def first_job_name(events: Iterable[Event]) -> str:
    """Return the name of the first job in the events; empty if they are about datasets."""
    return next((event.job.name for event in events if event.job), "")


def events_in(content: bytes, *, is_batch: bool) -> list[Event | InvalidEvent]:
    """Decode the events of an inflated body. Raises Rejection: 400 for what is no JSON, 422 for what is no event."""
    try:
        return decode_batch(content) if is_batch else [decode_event(content)]
    except NotJson as error:
        raise answers.not_json(str(error)) from error
    except InvalidEvent as error:
        raise answers.invalid_event(str(error)) from error


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
        parse_key(text, prefix_of_sender(text))
    except MalformedKey as error:
        raise answers.key_refused(_why_no_key(text)) from error
    return text


def _why_no_key(text: str) -> str:
    """Say what is wrong with a text that is no key, as people paste one into a sender's settings."""
    if text.lower().startswith("bearer "):
        return "The word Bearer comes twice: the sender adds it by itself. Its setting takes the key alone."
    if text[:1] in _QUOTES:
        return "The key stands in quotation marks, which the sender sends along. Its setting takes the key alone."
    return "The text that was sent is no API key: it may have been cut or mistyped."


def _verified(authorization: str | None) -> AnyVerifiedKey:
    try:
        return verify_key(_well_formed(authorization))
    except KeyRefused as error:
        raise answers.key_refused("The API key is unknown, wrong or was deleted.") from error


def _key_if_valid(authorization: str | None) -> AnyVerifiedKey | None:
    try:
        return _verified(authorization)
    except Rejection:
        return None


def _check_connection(target: Target, key: AnyVerifiedKey) -> None:
    """Raises Rejection unless the key belongs to the connection that the path names. Only holders of a connection's key
    learn which connections exist."""
    if target.is_of(key.connection_id):
        return
    if isinstance(key, VerifiedWorkspaceKey):
        raise answers.workspace_key_at_connection()
    if target.connection_id and Connection.objects.live().filter(id=target.connection_id).exists():
        raise answers.key_of_another_connection()
    raise answers.unknown_connection()


def _rejection_of(fault: Exception) -> Rejection:
    """Makes the refusal that the sender gets of an exception, and logs the rest."""
    if isinstance(fault, Rejection):
        return fault
    if isinstance(fault, DatabaseFault):
        count_error(fault)
        log.warning("intake_unavailable", error=what_happened(fault))
        replace_ended_sessions()
        return answers.database_away()
    log.error("intake_failed", exc_info=fault)
    return answers.internal_error()
