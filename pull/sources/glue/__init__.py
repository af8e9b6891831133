"""AWS Glue, by its API with a policy that may only list and get (seen with moto, never live)."""

from functools import partial
from typing import Final

from pull.sources.aws.caller import AwsCaller
from pull.sources.aws.fields import FIELDS, HINTS
from pull.sources.aws.regions import endpoint_of
from pull.sources.fetcher import Fetcher, Opened, Room
from pull.sources.glue.api import GlueApi
from pull.sources.glue.fetcher import GlueFetcher
from pull.systems import System


def _open(opened: Opened) -> Fetcher:
    return GlueFetcher(opened, GlueApi(AwsCaller(opened)))


GLUE: Final = Room(System.GLUE, FIELDS, partial(endpoint_of, "glue"), _open, HINTS)
