"""Registry of the senders. Each sender has a room for its own conventions: see README.md."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeVar, cast

import msgspec
from msgspec import Struct

from lineage.events.facets import NOTHING, RunFacets
from lineage.events.job_facets import JobFacets
from lineage.events.senders.airflow import AIRFLOW
from lineage.events.senders.dbt import DBT
from lineage.events.senders.fetched import FETCHED
from lineage.events.senders.generic import GENERIC
from lineage.events.senders.sender import DEFAULT_WORDS, Sender, Words
from lineage.events.senders.spark import SPARK
from lineage.events.senders.task_graph import TaskGraph

SENDERS: Final = (AIRFLOW, DBT, SPARK, FETCHED, GENERIC)

__all__ = [
    "ERROR_CODES",
    "ERROR_FACETS",
    "GENERIC",
    "JOB_FACETS",
    "RUN_FACETS",
    "SENDERS",
    "SKIP_CODES",
    "WORDS_WITH_RUN_IDS",
    "attribute",
    "integration_of",
    "sender_of",
    "sender_of_job_facets",
    "sender_of_run_facets",
    "task_graph_of",
    "title_of",
    "words_of",
]

Facets = TypeVar("Facets", bound=Struct)


def _with(specified: type[Facets], names: tuple[str, ...]) -> type[Facets]:
    """Extend the specification's type by other facets, all of them undecoded."""
    fields = [(attribute(name), msgspec.Raw, msgspec.field(name=name, default=NOTHING)) for name in names]
    return cast(type[Facets], msgspec.defstruct(specified.__name__, fields, bases=(specified,)))


def attribute(facet: str) -> str:
    """Return the attribute that holds a facet. Some senders have a dot in a facet's name."""
    return facet.replace(".", "_")


# The types that events are decoded to.
RUN_FACETS: Final = _with(RunFacets, tuple(name for sender in SENDERS for name in sender.run_facets))
JOB_FACETS: Final = _with(JobFacets, tuple(name for sender in SENDERS for name in sender.job_facets))

_BY_RUN_FACET: Final = tuple((attribute(name), sender) for sender in SENDERS for name in sender.run_facets)
_BY_JOB_FACET: Final = tuple((attribute(name), sender) for sender in SENDERS for name in sender.job_facets)
_BY_INTEGRATION: Final = {name: sender for sender in SENDERS for name in sender.integrations}
_WORDS: Final = {name: words for sender in SENDERS for name, words in sender.integrations.items()}
_PRODUCERS: Final = {word: integration for sender in SENDERS for word, integration in sender.producers.items()}
_PRODUCER: Final = re.compile(r"(?<![a-z0-9])(?:" + "|".join(_PRODUCERS) + r")(?![a-z0-9])")
# Error message that is a code of some sender → its meaning.
ERROR_CODES: Final = {code: words for sender in SENDERS for code, words in sender.error_codes.items()}
# Run facets with the error of a run that failed, by their names in events.
ERROR_FACETS: Final = tuple(name for sender in SENDERS for name in sender.error_facets)
# Error message of a parent run → why its tasks were skipped.
SKIP_CODES: Final = {code: words for sender in SENDERS for code, words in sender.skip_codes.items()}
# Words of the senders that have run ids of their own.
WORDS_WITH_RUN_IDS: Final = tuple(words for words in _WORDS.values() if words.run_id)
_MAX_PRODUCER_BYTES: Final = 2048
_text_decoder: Final = msgspec.json.Decoder(str)


def sender_of(integration: str) -> Sender:
    """Return the sender of a job's events, by the job's integration."""
    return _BY_INTEGRATION.get(integration, GENERIC)


def words_of(integration: str) -> Words:
    """Return the words for the sender of a job's events, as pages use them."""
    return _WORDS.get(integration, DEFAULT_WORDS)


def title_of(integration: str) -> str:
    """Return the integration as its makers spell it, for example `Airflow` for `AIRFLOW`."""
    return words_of(integration).title or integration


def sender_of_run_facets(facets: RunFacets) -> Sender:
    """Return the first sender that owns one of the facets, else GENERIC."""
    for name, sender in _BY_RUN_FACET:
        if getattr(facets, name, NOTHING) is not NOTHING:
            return sender
    return GENERIC


def sender_of_job_facets(facets: JobFacets) -> Sender:
    """Return the first sender that owns one of the facets, else GENERIC."""
    for name, sender in _BY_JOB_FACET:
        if getattr(facets, name, NOTHING) is not NOTHING:
            return sender
    return GENERIC


def task_graph_of(job_facets: Mapping[str, object]) -> TaskGraph:
    """Return the task graph of a run from the first sender that finds one in the facets; else empty."""
    return next(filter(None, (sender.task_graph(job_facets) for sender in SENDERS)), {})


def integration_of(producer: msgspec.Raw) -> str:
    """Return the integration named by a word of the producer's URL; empty if no known one is."""
    return _integration_of(bytes(producer)) if memoryview(producer).nbytes <= _MAX_PRODUCER_BYTES else ""


@lru_cache(1024)
def _integration_of(producer: bytes) -> str:
    try:
        found = _PRODUCER.search(_text_decoder.decode(producer).lower())
    except msgspec.ValidationError:
        return ""
    return _PRODUCERS[found.group()] if found else ""
