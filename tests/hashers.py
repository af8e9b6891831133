"""A password hasher that costs a test nothing."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """Argon2 with its smallest cost. Its hashes name their cost: the product's own hasher verifies them too."""

    time_cost = 1
    memory_cost = 8  # KiB
    parallelism = 1
