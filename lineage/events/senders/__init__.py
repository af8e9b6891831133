"""Registry of the senders: each has a room for what it says in its own way. See README.md."""

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
from lineage.events.senders.generic import GENERIC
from lineage.events.senders.sender import NEUTRAL, Sender, Words
from lineage.events.senders.spark import SPARK
from lineage.events.senders.task_graph import TaskGraph

SENDERS: Final = (AIRFLOW, DBT, SPARK, GENERIC)

__all__ = [
    "ERROR_CODES",
    "GENERIC",
    "JOB_FACETS",
    "RUN_FACETS",
    "SENDERS",
    "SKIP_CODES",
    "WORDS_WITH_RUN_IDS",
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
    """A type with the specification's facets and others, all of them left undecoded."""
    made = msgspec.defstruct(specified.__name__, [(name, msgspec.Raw, NOTHING) for name in names], bases=(specified,))
    return cast(type[Facets], made)


# What events are decoded to.
RUN_FACETS: Final = _with(RunFacets, tuple(name for sender in SENDERS for name in sender.run_facets))
JOB_FACETS: Final = _with(JobFacets, tuple(name for sender in SENDERS for name in sender.job_facets))

_BY_RUN_FACET: Final = tuple((name, sender) for sender in SENDERS for name in sender.run_facets)
_BY_JOB_FACET: Final = tuple((name, sender) for sender in SENDERS for name in sender.job_facets)
_BY_INTEGRATION: Final = {name: sender for sender in SENDERS for name in sender.integrations}
_WORDS: Final = {name: words for sender in SENDERS for name, words in sender.integrations.items()}
_PRODUCERS: Final = {word: integration for sender in SENDERS for word, integration in sender.producers.items()}
_PRODUCER: Final = re.compile(r"(?<![a-z0-9])(?:" + "|".join(_PRODUCERS) + r")(?![a-z0-9])")
# Error messages that are codes of some sender's → what they mean.
ERROR_CODES: Final = {code: words for sender in SENDERS for code, words in sender.error_codes.items()}
# Error messages of parent runs → why tasks below them were skipped.
SKIP_CODES: Final = {code: words for sender in SENDERS for code, words in sender.skip_codes.items()}
# What senders call runs of their own, where they do.
WORDS_WITH_RUN_IDS: Final = tuple(words for words in _WORDS.values() if words.run_id)
_MAX_PRODUCER_BYTES: Final = 2048
_text_decoder: Final = msgspec.json.Decoder(str)


def sender_of(integration: str) -> Sender:
    """The sender of a job's events, by the job's integration."""
    return _BY_INTEGRATION.get(integration, GENERIC)


def words_of(integration: str) -> Words:
    """Words for the sender of a job's events, as pages use them."""
    return _WORDS.get(integration, NEUTRAL)


def title_of(integration: str) -> str:
    """The integration as its makers write it, where senders shout it."""
    return words_of(integration).title or integration


def sender_of_run_facets(facets: RunFacets) -> Sender:
    """The first sender that any of the facets is an own one of."""
    for name, sender in _BY_RUN_FACET:
        if getattr(facets, name, NOTHING) is not NOTHING:
            return sender
    return GENERIC


def sender_of_job_facets(facets: JobFacets) -> Sender:
    """The first sender that any of the facets is an own one of."""
    for name, sender in _BY_JOB_FACET:
        if getattr(facets, name, NOTHING) is not NOTHING:
            return sender
    return GENERIC


def task_graph_of(job_facets: Mapping[str, object]) -> TaskGraph:
    """Which task of a run comes after which, as the first sender has it that can tell; empty: none can."""
    return next(filter(None, (sender.task_graph(job_facets) for sender in SENDERS)), {})


def integration_of(producer: msgspec.Raw) -> str:
    """The integration that a producer's URL names by a word of it; empty: none that is known."""
    return _integration_of(bytes(producer)) if memoryview(producer).nbytes <= _MAX_PRODUCER_BYTES else ""


@lru_cache(1024)
def _integration_of(producer: bytes) -> str:
    try:
        found = _PRODUCER.search(_text_decoder.decode(producer).lower())
    except msgspec.ValidationError:
        return ""
    return _PRODUCERS[found.group()] if found else ""
