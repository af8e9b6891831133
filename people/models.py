"""Personal tokens of the read API, and when people last used a session."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models

from connections.names import MAX_NAME_LENGTH, validate_name


class Scope(models.TextChoices):
    """Scopes of a token. What it may is what its scopes and the person's rights at that moment have in common."""

    READ = "read", "Read"
    READ_HIDDEN = "read:hidden", "Read hidden parts of events"


class ApiToken(models.Model):
    """Lets one person's scripts read what that person may read, until it expires. Only its SHA-256 is kept.

    A token is 190 random bits or more: a slow hash would add nothing but time to every request.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=MAX_NAME_LENGTH, validators=[validate_name])
    lookup = models.CharField(max_length=32, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    # The end of its text, by which people know it again. Empty: made before it was kept.
    last_characters = models.CharField(max_length=4, editable=False)
    # Separated by spaces, as in OAuth.
    scopes = models.CharField(max_length=64, default=Scope.READ.value, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]
        constraints = (models.UniqueConstraint(fields=["user", "name"], name="one_name_a_token_of_a_person"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    def has_scope(self, scope: Scope) -> bool:
        return scope.value in self.scopes.split()

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at <= now


class LastUse(models.Model):
    """Time of the last request of a person's sessions, some minutes exact. Outlives the sessions."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} at {self.at}"
