"""Descriptions of jobs whose systems tell no time of a change. Pure."""

from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import msgspec

from pull.documents import Author, Facets
from pull.sources.fetched import DescribedJob


def described(author: Author, name: str, facets: Facets, at: datetime) -> DescribedJob:
    """Describe a job. `at`: now by the system's clock."""
    fingerprint = blake2b(msgspec.json.encode([name, facets], order="sorted"), digest_size=16).digest()
    return DescribedJob(name, UUID(bytes=fingerprint), author.job_event(at, name, facets))


def full_hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
