"""Password hasher for tests, which costs almost no time."""

from observability.passwords import BoundedArgon2


class QuickArgon2(BoundedArgon2):
    """The product's hasher at Argon2's smallest cost. Each hash names its cost, so the product verifies these, too."""

    time_cost = 1
    memory_cost = 8  # KiB
    parallelism = 1
