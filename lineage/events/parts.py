"""Reading of JSON part by part: a part of a wrong shape is left out, and everything else is kept.

This is slower than msgspec's own decoding, which rejects the whole text for one bad part. So it is used only for texts
that msgspec rejected.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct, inspect

from lineage.events.decoders import decoder_of, made_once

Text = bytes | Raw
# Most elements of a list that are read one by one. Other events wait meanwhile.
MAX_ELEMENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Part of an event that is not as the specification has it. `path`: where it is."""

    path: str
    message: str


Report = Callable[[Problem], object]
_Reader = Callable[[Text, Any, Report, str], Any]


def ignore(_: Problem) -> None:
    """Report nothing: pages report problems when they read the stored event."""


class UnreadablePart(Exception):
    """A part has another shape than expected, or lacks what it must have."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path, self.message = path, message

    def problem(self, left_out: str) -> Problem:
        """Describe the problem. `left_out`: the path of what cannot be used because of it."""
        also = f", so {left_out} is left out" if left_out not in ("", self.path) else ""
        return Problem(self.path, f"{self.message}{also}")


_NULL: Final = "null"
_TEXT: Final = "text"
_BOOL: Final = "true or false"
_NUMBER: Final = "a number"
_LIST: Final = "a list"
_OBJECT: Final = "an object"
_BY_FIRST_CHARACTER: Final = {"n": _NULL, '"': _TEXT, "t": _BOOL, "f": _BOOL, "[": _LIST, "{": _OBJECT}
_KINDS: Final[dict[type[inspect.Type], str]] = {
    inspect.NoneType: _NULL,
    inspect.StrType: _TEXT,
    inspect.BoolType: _BOOL,
    inspect.IntType: _NUMBER,
    inspect.FloatType: _NUMBER,
    inspect.ListType: _LIST,
}
_TOO_LARGE: Final = "The number is too large"
_TOO_LONG_TO_PRINT: Final = 10**30
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
# Numbers stay as text: of any size, and not converted.
_SPLITTER: Final = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_SEPARATOR: Final = re.compile(r"[\s,]*")
_ABSENT: Final = Raw(b"")


def kind_of(text: Text) -> str:
    """Return what a JSON text holds, in words: `null`, `text`, `true or false`, `a number`, `a list`, `an object`."""
    first = bytes(memoryview(text)[:1]).decode("ascii", "replace")
    return _BY_FIRST_CHARACTER.get(first, _NUMBER)


def read_parts(text: Text, shape: Any, report: Report, path: str) -> Any:
    """Read JSON as `shape`: a type that consists of Structs, lists, dicts, unions, Raw, Any and plain values.

    What cannot be read is reported and left out: a field with a default gets the default, an element of a list or
    a dict is dropped, and a Struct without a field that it needs is left out itself. Null means absent. None if nothing
    can be read. `text` is valid JSON without spaces around it.
    """
    if kind_of(text) == _NULL:
        return None
    try:
        return _read(text, _type_of(shape), report, path)
    except UnreadablePart as error:
        report(error.problem(path))
    except RecursionError:
        report(Problem(path, "It is nested too deeply to be read"))
    return None


@cache
def _type_of(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


def _read(text: Text, type_: inspect.Type, report: Report, path: str) -> Any:
    """Read one part. Raises UnreadablePart."""
    read: _Reader = _READERS.get(type(type_), _read_value)
    return read(text, type_, report, path)


def _read_raw(text: Text, _type: inspect.Type, _report: Report, _path: str) -> Raw:
    return text if isinstance(text, Raw) else Raw(text)


def _read_struct(text: Text, type_: inspect.StructType, report: Report, path: str) -> Any:
    if kind_of(text) != _OBJECT:
        raise _another_kind(text, type_, path)
    try:
        return decoder_of(type_.cls).decode(text)
    except msgspec.ValidationError:
        undecoded, values = _members_decoder(type_.cls).decode(text), {}
    for field in type_.fields:
        member, place = getattr(undecoded, field.name), _below(path, field.encode_name)
        if member is _ABSENT and field.required:
            raise UnreadablePart(place, "It is missing")
        if member is _ABSENT or (kind_of(member) == _NULL and not field.required and not _may_be_null(field.type)):
            continue
        try:
            values[field.name] = _read(member, field.type, report, place)
        except UnreadablePart as error:
            if field.required:
                raise
            report(error.problem(place))
    return type_.cls(**values)


def _members_decoder(shape: type[Struct]) -> msgspec.json.Decoder[Any]:
    """Return a decoder of a Struct that leaves its members undecoded and ignores all others."""
    return made_once((shape, "members"), lambda: msgspec.json.Decoder(_undecoded(shape)))


def _undecoded(shape: type[Struct]) -> type[Struct]:
    members = [(f.name, Raw, msgspec.field(name=f.encode_name, default=_ABSENT)) for f in msgspec.structs.fields(shape)]
    return msgspec.defstruct(shape.__name__, members)


def _read_list(text: Text, type_: inspect.ListType, report: Report, path: str) -> list[Any]:
    return list(_read_elements(text, type_.item_type, report, path))


def _read_elements(text: Text, type_: inspect.Type, report: Report, path: str) -> Iterator[Any]:
    if kind_of(text) != _LIST:
        raise UnreadablePart(path, f"Expected {_LIST}, got {kind_of(text)}")
    for position, element in enumerate(_elements(text, report, path)):
        place = f"{path}[{position}]"
        if position == MAX_ELEMENTS:
            report(Problem(path, f"Only its first {MAX_ELEMENTS:,} elements are read"))
            return
        try:
            yield _read(element, type_, report, place)
        except UnreadablePart as error:
            report(error.problem(place))


def _elements(text: Text, report: Report, path: str) -> Iterator[bytes]:
    """Split a list into its elements, one after the other, because there may be millions of them."""
    characters = bytes(text).decode()
    position = _end_of_separator(characters, 1)
    while characters[position] != "]":
        try:
            _, end = _SPLITTER.raw_decode(characters, position)
        except ValueError:
            # Of what msgspec does not check in a text, such as an unknown escape.
            report(Problem(path, "It cannot be read to its end"))
            return
        yield characters[position:end].encode()
        position = _end_of_separator(characters, end)


def _end_of_separator(characters: str, position: int) -> int:
    found = _SEPARATOR.match(characters, position)
    return found.end() if found else position


def _read_dict(text: Text, type_: inspect.DictType, report: Report, path: str) -> dict[str, Any]:
    return dict(_read_members(text, type_.value_type, report, path))


def _read_members(text: Text, type_: inspect.Type, report: Report, path: str) -> Iterator[tuple[str, Any]]:
    if kind_of(text) != _OBJECT:
        raise UnreadablePart(path, f"Expected {_OBJECT}, got {kind_of(text)}")
    for name, member in _MEMBERS.decode(text).items():
        place = _below(path, name)
        try:
            yield name, _read(member, type_, report, place)
        except UnreadablePart as error:
            report(error.problem(place))


def _read_union(text: Text, type_: inspect.UnionType, report: Report, path: str) -> Any:
    found = _another_kind(text, type_, path)
    for member in type_.types:
        if _kind_of_type(member) == kind_of(text):
            try:
                return _read(text, member, report, path)
            except UnreadablePart as error:
                found = error
    raise found


def _read_anything(text: Text, type_: inspect.Type, report: Report, path: str) -> Any:
    """Read a value of any shape. Of one that has too large numbers, all else is kept."""
    try:
        return msgspec.json.decode(text)
    except msgspec.ValidationError as error:
        kind = kind_of(text)
        if kind == _LIST:
            return list(_read_elements(text, type_, report, path))
        if kind == _OBJECT:
            return dict(_read_members(text, type_, report, path))
        raise UnreadablePart(path, _TOO_LARGE) from error


def _read_value(text: Text, type_: inspect.Type, report: Report, path: str) -> Any:
    """Read a plain value. A whole number may be written as `1000.0`."""
    if kind_of(text) != _kind_of_type(type_):
        raise _another_kind(text, type_, path)
    value = _read_anything(text, type_, report, path)
    match type_:
        case inspect.IntType():
            return _whole_number(value, type_, path)
        case inspect.FloatType():
            return _number(value, path)
        case inspect.StrType():
            return _text(value, type_, path)
    return value


def _whole_number(value: float, type_: inspect.IntType, path: str) -> int:
    number = value if isinstance(value, int) else int(value) if value.is_integer() else None
    if number is None or (type_.ge is not None and number < type_.ge) or (type_.le is not None and number > type_.le):
        is_short = abs(value) < _TOO_LONG_TO_PRINT
        raise UnreadablePart(path, f"Expected {_words(type_)}, got {value if is_short else 'a larger one'}")
    return number


def _text(value: str, type_: inspect.StrType, path: str) -> str:
    if type_.min_length is not None and len(value) < type_.min_length:
        raise UnreadablePart(path, "It is empty")
    if type_.max_length is not None and len(value) > type_.max_length:
        raise UnreadablePart(path, f"It has {len(value):,} characters, more than {type_.max_length:,}")
    return value


def _number(value: float, path: str) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise UnreadablePart(path, _TOO_LARGE) from error


def _another_kind(text: Text, type_: inspect.Type, path: str) -> UnreadablePart:
    return UnreadablePart(path, f"Expected {_words(type_)}, got {kind_of(text)}")


def _may_be_null(type_: inspect.Type) -> bool:
    return isinstance(type_, inspect.AnyType) or (
        isinstance(type_, inspect.UnionType) and any(isinstance(member, inspect.NoneType) for member in type_.types)
    )


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind_of_type(type_: inspect.Type) -> str:
    """Return what a JSON text of this type holds, in the words of `kind_of`."""
    return _KINDS.get(type(type_), _OBJECT)


def _words(type_: inspect.Type) -> str:
    """Describe a type to a reader, for example `text or a list`."""
    match type_:
        case inspect.UnionType():
            return " or ".join(
                dict.fromkeys(_words(member) for member in type_.types if _kind_of_type(member) != _NULL)
            )
        case inspect.IntType(ge=least, le=most) if least is not None and most is not None:
            return f"a whole number from {least} to {most}"
        case inspect.IntType():
            return "a whole number"
    return _kind_of_type(type_)


_READERS: Final[dict[type[inspect.Type], _Reader]] = {
    inspect.RawType: _read_raw,
    inspect.AnyType: _read_anything,
    inspect.StructType: _read_struct,
    inspect.ListType: _read_list,
    inspect.DictType: _read_dict,
    inspect.UnionType: _read_union,
}
