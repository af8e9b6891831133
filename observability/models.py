from django.db import models


class SignInCount(models.Model):
    """Failed sign-ins to an account from an address, and whether a sign-in from there ever succeeded.

    An empty account stands for all accounts, an empty address for all addresses. See observability/throttle.py.
    """

    account = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    failures = models.PositiveIntegerField(default=0)
    # Time of the last failure, or of the last turn at a known address.
    last_at = models.DateTimeField(null=True)
    is_known = models.BooleanField(default=False)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["account", "address"], name="one_count_of_sign_ins"),)

    def __str__(self) -> str:
        return f"{self.account or 'all accounts'} from {self.address or 'all addresses'}: {self.failures}"
