"""Calls to AWS: botocore makes, signs and reads them; the guarded client sends them.

So hosts are checked, time and size are limited, redirects and proxies are not used, and nothing is tried again but
after a call that AWS throttled. No configuration of this machine is read: no profile, no role of its own.
"""

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from lineage.events.decoders import decoder_of
from pull.http.client import Client
from pull.http.faults import Fault, FaultCode
from pull.sources.aws.regions import endpoint_of
from pull.sources.fetcher import Opened

# Seconds before a throttled call is made again. Limits of AWS refill within a second: one sync may make many calls.
PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
_MOST_PAGES: Final = 20_000
_SESSION_NAME: Final = "observatory"
_T = TypeVar("_T")


class Keys(NamedTuple):
    access_key_id: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        return "Keys(…)"


class Identity(NamedTuple):
    account: str
    arn: str


class AwsCaller:
    """Calls services with the keys of a form, or with those of the role that it names."""

    def __init__(self, opened: Opened) -> None:
        self._config = opened.config
        self._own = Keys(opened.config.get("access_key_id", ""), opened.secret.get("secret", ""))
        self._http = opened.client
        self._memory = opened.memory
        self._session: Any = None
        # Service → client of botocore, with the keys of the role if there is one.
        self._clients: dict[str, Any] = {}
        self._role_keys: Keys | None = None

    @property
    def region(self) -> str:
        return self._config["region"]

    def identity(self) -> Identity:
        """Ask to whom the keys belong, once for each worker. AWS allows that to everybody."""
        # The form may change while the worker goes on.
        key = f"identity {self._own.access_key_id} {self._config.get('role_arn', '')}"
        if key not in self._memory:
            answer = self.call("sts", "get_caller_identity")
            self._memory[key] = Identity(answer["Account"], answer["Arn"])
        found: Identity = self._memory[key]
        return found

    def call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation, such as `list_executions`, and return its answer. Raises Fault."""
        try:
            return self._patiently(service, operation, parameters)
        except Fault as fault:
            if fault.code != FaultCode.UNAUTHORIZED or self._role_keys is None:
                raise
        # The role's token has ended: one new one.
        self._role_keys = None
        self._clients.clear()
        return self._patiently(service, operation, parameters)

    def pages(self, service: str, operation: str, token: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """Call an operation until there are no more pages. `token`: the name of the field that asks for the next."""
        for _ in range(_MOST_PAGES):
            page = self.call(service, operation, **parameters)
            yield page
            if not page.get(token):
                return
            parameters[token] = page[token]

    def _patiently(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        for pause in PAUSES:
            try:
                return self._once(self._client(service), service, operation, parameters)
            except Fault as fault:
                if fault.code != FaultCode.THROTTLED:
                    raise
            time.sleep(pause)
        return self._once(self._client(service), service, operation, parameters)

    def _once(self, client: Any, service: str, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _new_session

        from pull.sources.aws.faults import fault_of, fault_of_sdk  # noqa: PLC0415

        try:
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except ClientError as error:
            raise fault_of(error, service) from error
        except BotoCoreError as error:
            raise fault_of_sdk(error, service, operation) from error
        return answer

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._new_client(service, self._keys())
        return self._clients[service]

    def _keys(self) -> Keys:
        """Return the keys of the role, or those of the form if it names none."""
        role_arn, external_id = self._config.get("role_arn", ""), self._config.get("external_id", "")
        if not role_arn:
            return self._own
        if self._role_keys is None:
            parameters = {"RoleArn": role_arn, "RoleSessionName": _SESSION_NAME}
            if external_id:
                parameters["ExternalId"] = external_id
            answer = self._once(self._new_client("sts", self._own), "sts", "assume_role", parameters)
            given = answer["Credentials"]
            self._role_keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return self._role_keys

    def _new_client(self, service: str, keys: Keys) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - see _new_session

        from pull.sources.aws.faults import PREFIXES  # noqa: PLC0415

        if self._session is None:
            self._session = _new_session()
        client = self._session.create_client(
            service,
            region_name=self.region,
            endpoint_url=endpoint_of(PREFIXES[service], self._config),
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret,
            aws_session_token=keys.token,
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        client.meta.events.register("before-send", _sender(self._http))
        return client


def converted(answer: Any, type_: type[_T], action: str) -> _T:
    """Read an answer, or a part of one. Raises Fault."""
    # It reads the fields of the type, which only one thread may do: see lineage.events.decoders.
    decoder_of(type_)
    try:
        return msgspec.convert(answer, type_)
    except msgspec.ValidationError as error:
        words = f"The answer to {action} has another shape than expected: {error}."
        raise Fault(FaultCode.UNEXPECTED, words, path=action) from error


def if_there(ask: Callable[[], _T]) -> _T | None:
    """Ask for one thing: None if it is not there any more."""
    return _unless({FaultCode.NOT_FOUND}, ask)


def if_allowed(ask: Callable[[], _T]) -> _T | None:
    """Ask for something that may be left out: None if the policy does not allow it, or it is not there any more."""
    return _unless({FaultCode.FORBIDDEN, FaultCode.NOT_FOUND}, ask)


def _unless(codes: Container[FaultCode], ask: Callable[[], _T]) -> _T | None:
    try:
        return ask()
    except Fault as fault:
        if fault.code not in codes:
            raise
        return None


def _new_session() -> Any:
    # Imported here: it takes 25 MiB and half a second, and processes that only show pages do without.
    from botocore.session import Session  # noqa: PLC0415

    # At level DEBUG it logs whole answers, and with them the keys of an assumed role.
    logging.getLogger("botocore").setLevel(logging.INFO)
    nothing = (None, None, None, None)
    return Session(session_vars={"profile": nothing, "config_file": nothing, "credentials_file": nothing})


class _Body:
    """Body of an answer, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content


def _sender(client: Client) -> Callable[..., Any]:
    """Make what sends botocore's requests. It calls this instead of sending them by itself."""
    from botocore.awsrequest import AWSResponse, HeadersDict  # noqa: PLC0415 - see _new_session

    def send(request: Any, **_: Any) -> Any:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = client.exchange(request.method, request.url, headers=dict(request.headers), content=body)
        return AWSResponse(request.url, answer.status, HeadersDict(answer.headers), _Body(answer.body))

    return send
