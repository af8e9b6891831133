"""Cures: for each code of a refusal (lineage/intake/answers.py), what the person who sets a sender up should do."""

from collections.abc import Mapping
from typing import Final

_WHOLE_URL: Final = (
    "Copy the endpoint URL of this page whole into the sender. Python clients take it in two parts: scheme and host as "
    "url, the whole path after them as endpoint."
)
_CLEAN_BODY: Final = (
    "Something between the sender and here changes the body: a proxy that inflates it must remove the header "
    "Content-Encoding. Or switch compression off in the sender's transport."
)
_REAL_EVENT: Final = (
    "Correct the field that the reason names, and check the event with “Send a test event”. If a client library made "
    "it, upgrade the library. The curl guide has an event that is accepted."
)
_LATER: Final = "The sender tries again by itself. If this lasts, ask the operator of Observatory for its log."

CURES: Final[Mapping[str, str]] = {
    "method_not_allowed": (
        "A redirect, for example from http to https, turns POST into GET and loses the event: write the final URL into "
        "the sender, with https. A browser that opened the URL is listed here, too, and does no harm."
    ),
    "unknown_path": _WHOLE_URL,
    "plain_http": "Write https instead of http into the sender's URL, delete the key, and generate a new one.",
    "key_refused": (
        "Give the sender a whole key of this connection, as Authorization: Bearer <key>. A key that was lost or "
        "deleted cannot be shown again: generate a new one."
    ),
    "key_of_another_connection": (
        "Give the sender a key of this connection, or the endpoint URL that its key belongs to."
    ),
    "unknown_connection": _WHOLE_URL,
    "body_too_large": (
        "Let the sender send less: the setup guides name the settings that leave source code and plans out. An "
        "operator can raise the limit with INTAKE_MAX_BODY_BYTES."
    ),
    "unsupported_encoding": "Choose gzip or no compression in the sender's transport.",
    "broken_gzip": _CLEAN_BODY,
    "not_json": (
        "See what the sender really posts: with curl, single quotes around the text or --data-binary @file keep the "
        "shell from changing it. The curl guide has a command that works. No proxy on the way may change bodies."
    ),
    "invalid_event": _REAL_EVENT,
    "unstorable": _REAL_EVENT,
    "internal_error": "This is a defect of Observatory: ask its operator to report what the log says.",
    "unmatched_namespace": (
        "Give the sender the namespace of a connection. An administrator can also add a route for this namespace, or "
        "make a connection of it."
    ),
    "route_changed": _LATER,
    "database_away": _LATER,
    "database_slow": _LATER,
    "rows_locked": _LATER,
    "body_too_slow": _LATER,
    "too_busy": _LATER,
    "abandoned": _LATER,
}


def cure_of(code: str) -> str:
    """Return the cure for a refusal; empty for attempts of older versions, which have no code."""
    return CURES.get(code, "")
