"""How often the faults are inflicted: `FAULTS=long` (make test-faults) does it for hours, else it is seconds each."""

import os
import random

LONG = os.environ.get("FAULTS") == "long"


def scaled(short: int, long: int) -> int:
    return long if LONG else short


def seeded() -> random.Random:
    """Chance that can be repeated: prints its seed, and takes it from FAULTS_SEED where that is set."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))
    tell(f"FAULTS_SEED={seed}")
    return random.Random(seed)


def tell(what: str) -> None:
    """What was measured: pytest shows it with a failure, and with -s."""
    print(what)  # noqa: T201
