"""Personal tokens of the read API."""

import uuid

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """Lets one person's scripts read what that person may read. Only its SHA-256 is kept.

    A token is 190 random bits or more: a slow hash would add nothing but time to every request.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    lookup = models.CharField(max_length=32, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.user} {self.lookup}"
