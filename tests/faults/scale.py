"""Number of faults: `FAULTS=long` (make test-faults) takes hours, else each test takes seconds."""

import os
import random

LONG = os.environ.get("FAULTS") == "long"


def scaled(short: int, long: int) -> int:
    return long if LONG else short


def seeded() -> random.Random:
    """Return a repeatable source of random choices. Prints its seed, or takes it from FAULTS_SEED."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))
    tell(f"FAULTS_SEED={seed}")
    return random.Random(seed)


def tell(what: str) -> None:
    """Print a measured value; pytest shows it with a failure, and with -s."""
    print(what)  # noqa: T201
