"""Document of one event, as its JSON text gives it: decoded at once, or part by part if a dataset in it is unusable."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from lineage.events.facets import NOTHING
from lineage.events.parts import Problem, Report, ignore, read_parts
from lineage.events.text import without_lone_surrogates

# Longer than any known name. Ids are hashes of names, so no index depends on this limit.
MAX_NAME_CHARACTERS = 2048
# Inputs and outputs of one event together. Other events wait for its transaction.
MAX_DATASETS = 10_000
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]

T = TypeVar("T")


class NotJson(Exception):
    """The body is not JSON text in UTF-8. The message gives the position."""


class InvalidEvent(Exception):
    """The body is JSON, but not an OpenLineage event. The message gives the field's path and what was expected."""


class Job(Struct):
    namespace: Name
    name: Name
    facets: Raw = NOTHING


class Run(Struct):
    runId: Name
    facets: Raw = NOTHING


class Dataset(Struct):
    namespace: Name
    name: Name
    facets: Raw = NOTHING
    # Facets of this use of it.
    inputFacets: Raw = NOTHING
    outputFacets: Raw = NOTHING


class _Head(Struct):
    """Subject and time of an event. If they cannot be read, the event is refused."""

    eventTime: str
    eventType: str | None = None
    producer: Raw = NOTHING
    run: Run | None = None
    job: Job | None = None
    # Read only if the event is about a dataset: `decode_dataset`.
    dataset: Raw = NOTHING


class Document(_Head):
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


class _Datasets(Struct):
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


class _OfDataset(Struct):
    dataset: Dataset


_document_decoder = msgspec.json.Decoder(Document)
_head_decoder = msgspec.json.Decoder(_Head)
_datasets_decoder = msgspec.json.Decoder(_Datasets)
_dataset_decoder = msgspec.json.Decoder(_OfDataset)
_syntax_decoder = msgspec.json.Decoder(Raw)


def decode_document(body: bytes) -> Document:
    """Decode the document of one event, with the datasets that can be used. Raises NotJson or InvalidEvent."""
    try:
        document = _document_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        document = _decode_part_by_part(body)
    if document.inputs or document.outputs:
        document.inputs, document.outputs = first_datasets(document.inputs, document.outputs)
    return document


def _decode_part_by_part(body: bytes) -> Document:
    try:
        head = decode_json(body, _head_decoder)
    except InvalidEvent:
        if body.lstrip()[:1] == b"[":
            raise InvalidEvent(
                "Expected one event, got an array: send arrays to the path that ends in `/batch`"
            ) from None
        raise
    datasets = read_body(body, _datasets_decoder) or _Datasets()
    return Document(**msgspec.structs.asdict(head), inputs=datasets.inputs, outputs=datasets.outputs)


def decode_dataset(body: bytes) -> Dataset:
    """Decode the dataset that an event is about. Raises InvalidEvent."""
    return decode_json(body, _dataset_decoder).dataset


def first_datasets(inputs: list[T] | None, outputs: list[T] | None, report: Report = ignore) -> tuple[list[T], list[T]]:
    """Return the first inputs and outputs, MAX_DATASETS together at most."""
    reads, writes = inputs or [], outputs or []
    if len(reads) + len(writes) > MAX_DATASETS:
        report(Problem("inputs, outputs", f"Only the first {MAX_DATASETS:,} of its datasets are kept"))
        reads = reads[:MAX_DATASETS]
        writes = writes[: MAX_DATASETS - len(reads)]
    return reads, writes


def check_text(body: bytes) -> str:
    """Decode UTF-8. Raises NotJson."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is not UTF-8: byte {error.start} {error.reason}") from error


def read_body(body: bytes, decoder: msgspec.json.Decoder[T], report: Report = ignore) -> T | None:
    """Read a stored document, or some of its fields, without its bad parts. None if nothing can be read."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        parts: T | None = read_parts(_json_text(body), decoder.type, report, "")
        return parts


def _json_text(body: bytes) -> bytes:
    """Return the text as msgspec accepts it, without spaces around it."""
    return without_lone_surrogates(body).strip()


def decode_json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode JSON with `decoder`. Raises NotJson or InvalidEvent."""
    try:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return decoder.decode(without_lone_surrogates(body))
    except msgspec.ValidationError as error:
        _check_syntax(body)
        raise InvalidEvent(str(error)) from error
    except msgspec.DecodeError as error:
        raise NotJson(str(error)) from error
    except RecursionError as error:
        raise InvalidEvent("the document is nested too deeply") from error


def _check_syntax(body: bytes) -> None:
    """Raise NotJson if the text is not JSON: the decoder may find a wrong type before it finds broken syntax."""
    try:
        _syntax_decoder.decode(without_lone_surrogates(body))
    except msgspec.DecodeError as error:
        raise NotJson(str(error)) from error
    except RecursionError:
        return
