"""AWS Step Functions, by its API with a policy that may only list, get and describe (seen with moto, never live)."""

from functools import partial
from typing import Final

from pull.sources.aws.caller import AwsCaller
from pull.sources.aws.fields import FIELDS, HINTS
from pull.sources.aws.regions import endpoint_of
from pull.sources.fetcher import Fetcher, Opened, Room
from pull.sources.step_functions.api import StepFunctionsApi
from pull.sources.step_functions.fetcher import StepFunctionsFetcher
from pull.systems import System


def _open(opened: Opened) -> Fetcher:
    caller = AwsCaller(opened)
    return StepFunctionsFetcher(opened, StepFunctionsApi(caller), caller)


STEP_FUNCTIONS: Final = Room(System.STEP_FUNCTIONS, FIELDS, partial(endpoint_of, "states"), _open, HINTS)
