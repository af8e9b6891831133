"""Errors of AWS and of botocore, as faults. AWS's own messages are left out: they name users and resources."""

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from pull.http.faults import Fault, FaultCode

# Service in botocore → its prefix in IAM actions, which is that of its host, too.
PREFIXES: Final = {"stepfunctions": "states", "glue": "glue", "sts": "sts"}

_UNKNOWN_KEY: Final = "AWS does not know this access key ID, or it is not active."
_WRONG_SIGNATURE: Final = (
    "AWS refuses the signature: the secret access key is another one, or the clock of this machine is wrong."
)
_ENDED: Final = "The token of the role has ended."
_UNAUTHORIZED: Final = {
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "MissingAuthenticationTokenException": _UNKNOWN_KEY,
    "MissingAuthenticationToken": _UNKNOWN_KEY,
    "InvalidSignatureException": _WRONG_SIGNATURE,
    "SignatureDoesNotMatch": _WRONG_SIGNATURE,
    "IncompleteSignatureException": _WRONG_SIGNATURE,
    "IncompleteSignature": _WRONG_SIGNATURE,
    "ExpiredTokenException": _ENDED,
    "ExpiredToken": _ENDED,
}
_FORBIDDEN: Final = frozenset(("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "OptInRequired"))
_THROTTLED: Final = frozenset(
    (
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "SlowDown"),
        *("TooManyRequestsException", "ServiceUnavailable", "ServiceUnavailableException"),
    )
)
_NOT_FOUND: Final = frozenset(
    (
        *("EntityNotFoundException", "ExecutionDoesNotExist", "StateMachineDoesNotExist", "StateMachineDeleting"),
        *("ResourceNotFound", "ResourceNotFoundException"),
    )
)


def fault_of(error: ClientError, service: str) -> Fault:
    """Turn an answer that is an error into a fault that names the IAM action."""
    answer: Any = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    action = f"{PREFIXES[service]}:{error.operation_name}"
    return Fault(*_meaning(code, status, action), status=status, path=action)


def fault_of_sdk(error: BotoCoreError, service: str, operation: str) -> Fault:
    """Turn an error of botocore itself into a fault: an answer that it cannot read, or a value that it refuses."""
    action = f"{PREFIXES[service]}:{operation}"
    words = f"The call {action} failed before its answer was understood ({type(error).__name__})."
    return Fault(FaultCode.UNEXPECTED, words, path=action)


def _meaning(code: str, status: int | None, action: str) -> tuple[FaultCode, str]:
    if code in _UNAUTHORIZED:
        meaning = FaultCode.UNAUTHORIZED, _UNAUTHORIZED[code]
    elif code in _FORBIDDEN:
        meaning = FaultCode.FORBIDDEN, f"AWS does not allow {action}: the policy of the user or the role lacks it."
    elif code in _THROTTLED or status in (429, 503):
        meaning = FaultCode.THROTTLED, f"AWS asks for a pause: too many calls of {action} in this account."
    elif code in _NOT_FOUND or status == 404:
        meaning = FaultCode.NOT_FOUND, f"AWS does not have what {action} asked for ({code})."
    elif status is not None and status >= 500:
        meaning = FaultCode.SERVER_FAULT, f"AWS answers {status} to {action}."
    elif status == 400:
        meaning = FaultCode.BAD_REQUEST, f"AWS does not understand the call {action} ({code})."
    else:
        meaning = FaultCode.UNEXPECTED, f"AWS answers {action} with {code or status}."
    return meaning
