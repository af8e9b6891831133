"""Removal of an event's parts that not everybody may see. Pure.

Only what is on the way to a removed part is written anew: all other bytes stay as they were sent. (Half of a character,
`\\ud800`, becomes U+FFFD, as everywhere.) A document in which an object names a field twice is an exception: the
product reads the last one, and the earlier one would keep a part that has to go. It is written anew as it is read.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from connections.privacy import PrivacyClass
from lineage.events.document import InvalidEvent, NotJson, decode_json
from lineage.events.errors import headline_of_trace
from lineage.events.senders import SENDERS
from lineage.events.senders.sender import EACH, AllBut, Path

# Field of an event that lists what is not shown of it, and what was removed before it was stored: `job.facets.sql`.
HIDDEN: Final = "_observatory_hidden"
DROPPED: Final = "_observatory_dropped"

_STACK_TRACE: Final = "stackTrace"
_GENERIC: Final[Mapping[PrivacyClass, tuple[Path, ...]]] = {
    PrivacyClass.CODE: (("job", "facets", "sourceCode"),),
    PrivacyClass.SQL: (("job", "facets", "sql"),),
    PrivacyClass.STACK_TRACES: (
        ("run", "facets", "errorMessage", _STACK_TRACE),
        ("run", "facets", "extractionError", "errors", EACH, _STACK_TRACE),
        ("job", "facets", "extractionError", "errors", EACH, _STACK_TRACE),
    ),
    PrivacyClass.ENVIRONMENT: (("run", "facets", "environmentVariables"),),
}
T = TypeVar("T")

_fields_decoder: Final = msgspec.json.Decoder(dict[str, Raw])
_elements_decoder: Final = msgspec.json.Decoder(list[Raw])
_texts_decoder: Final = msgspec.json.Decoder(list[str])
_text_decoder: Final = msgspec.json.Decoder(str)
_any_decoder: Final = msgspec.json.Decoder()


class _NamedTwice(Exception):
    """Raised when an object names a field twice."""


def _all_paths() -> dict[PrivacyClass, tuple[Path, ...]]:
    found: dict[PrivacyClass, list[Path]] = defaultdict(list)
    for paths in (_GENERIC, *(sender.private for sender in SENDERS)):
        for kind, of_kind in paths.items():
            found[kind].extend(of_kind)
    errors = [("run", "facets", name, _STACK_TRACE) for sender in SENDERS for name in sender.error_facets]
    found[PrivacyClass.STACK_TRACES].extend(errors)
    return {kind: tuple(of_kind) for kind, of_kind in found.items()}


_PATHS: Final = _all_paths()


def without(body: bytes, classes: Collection[PrivacyClass], note: str) -> bytes:
    """Return an event without the parts of these classes, with their names in its field `note`: HIDDEN or DROPPED. The
    same bytes if it has none of them.

    Raises NotJson or InvalidEvent if the body is no JSON object.
    """
    paths = [path for kind in PrivacyClass if kind in classes for path in _PATHS[kind] if _may_have(body, path)]
    if paths and _names_twice(body):
        body = msgspec.json.encode(decode_json(body, _any_decoder))
    removed: list[str] = []
    for path in paths:
        body = bytes(_without(Raw(body), path, "", removed))
    if not removed:
        return body
    fields = decode_json(body, _fields_decoder)
    known = _read(fields.get(note), _texts_decoder) or []
    fields[note] = Raw(msgspec.json.encode(list(dict.fromkeys([*known, *removed]))))
    return msgspec.json.encode(fields)


def cut(body: bytes, classes: Collection[PrivacyClass], note: str) -> bytes:
    """Return an event `without` these classes. If it cannot be read, so that nobody can say what is in it: nothing of
    it."""
    if not classes:
        return body
    try:
        return without(body, classes, note)
    except (NotJson, InvalidEvent):
        return msgspec.json.encode({note: ["the whole event"]})


def hidden_text(body: str, classes: Collection[PrivacyClass]) -> str:
    """Return a stored event as somebody may read it who may not see these classes."""
    return cut(body.encode(), classes, HIDDEN).decode() if classes else body


def _may_have(body: bytes, path: Path) -> bool:
    """Tell whether the body may have what a path leads to. A name may be written with escapes."""
    return b"\\u" in body or all(step.encode() in body for step in path if isinstance(step, str) and step != EACH)


def _names_twice(body: bytes) -> bool:
    """Tell whether an object of a JSON document names a field twice. True also if it is nested too deeply to tell."""
    try:
        json.loads(body, object_pairs_hook=_check_names)
    except (_NamedTwice, RecursionError):
        return True
    except ValueError:
        return False  # whoever reads it says why it is no JSON
    return False


def _check_names(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _NamedTwice


def _without(value: Raw, path: Path, at: str, removed: list[str]) -> Raw:
    """Return a JSON value without what a path leads to. Adds what was removed to `removed`."""
    step, rest = path[0], path[1:]
    if step == EACH:
        elements = _read(value, _elements_decoder)
        if elements is None:
            return value
        kept = [_without(element, rest, at, removed) for element in elements]
        return Raw(msgspec.json.encode(kept)) if any(a is not b for a, b in zip(kept, elements, strict=True)) else value
    fields = _read(value, _fields_decoder)
    if fields is None:
        return value
    before = len(removed)
    names = [name for name in fields if step.has(name)] if isinstance(step, AllBut) else [step] * (step in fields)
    for name in names:
        full = f"{at}.{name}" if at else name
        if rest:
            fields[name] = _without(fields[name], rest, full, removed)
            continue
        trace = fields.pop(name)
        if name == _STACK_TRACE and "errorMessage" not in fields:
            _keep_headline(fields, trace)
        removed.append(full)
    return Raw(msgspec.json.encode(fields)) if len(removed) > before else value


def _keep_headline(error: dict[str, Raw], trace: Raw) -> None:
    """Let an error without a message keep the line of its stack trace that names the exception."""
    message, text = (_read(raw, _text_decoder) or "" for raw in (error.get("message"), trace))
    if not message.strip() and (headline := headline_of_trace(text)):
        error["message"] = Raw(msgspec.json.encode(headline))


def _read(value: Raw | None, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Read a value. None if there is none, or one of another type."""
    try:
        return None if value is None else decode_json(bytes(value), decoder)
    except (NotJson, InvalidEvent):
        return None
