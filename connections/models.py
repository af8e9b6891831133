"""Connections, their API keys, and their last attempts. Writes are in actions, reads in querysets."""

import uuid
from typing import TypeAlias, cast

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from connections import kinds
from connections.names import MAX_NAME_LENGTH, validate_name
from connections.privacy import DEFAULT_AUDIENCE, Audience, Person, PrivacyClass, hidden_from
from connections.querysets import ApiKeyQuerySet, AttemptQuerySet, ConnectionQuerySet, Reader
from connections.vouchers import Voucher, VoucherKind

# The limit for an attempt's reason, and for the name of its job.
MAX_TEXT_LENGTH = 500


class Connection(models.Model):
    """An orchestrator that sends events."""

    Type: TypeAlias = kinds.Type

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("display name", max_length=MAX_NAME_LENGTH, validators=[validate_name])
    type = models.CharField("connection type", max_length=20, choices=Type)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    # Set when somebody removes the connection: from then on nothing shows it, and its rows are being deleted.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # PrivacyClass → Audience, of the classes for which somebody chose one.
    who_sees = models.JSONField("who sees parts of its events", default=dict, db_default={}, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [("change_privacy", "Can choose who sees parts of the events")]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                condition=models.Q(removed_at__isnull=True),
                name="connection_name_unique",
                violation_error_message="There is a connection with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audiences(self) -> dict[PrivacyClass, Audience]:
        """Audience of each class of parts of the events."""
        return {kind: Audience(self.who_sees.get(kind, DEFAULT_AUDIENCE)) for kind in PrivacyClass}

    def hidden_from(self, reader: Reader) -> frozenset[PrivacyClass]:
        """Return the classes of parts that `reader` may not see."""
        return hidden_from(cast(Person, reader), self.audiences)


class ApiKey(models.Model):
    """A named secret of one connection. Only its hash is kept; deleting the row ends the key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=MAX_NAME_LENGTH, validators=[validate_name])
    # The key's public part, by which it is found, and its last characters: what pages show of it.
    lookup = models.CharField(max_length=32, unique=True, editable=False)
    last_characters = models.CharField(max_length=8, editable=False)
    secret_hash = models.CharField(max_length=200, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    # Written at most once a minute, so it may be that much behind.
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                "connection",
                Lower("name"),
                name="api_key_name_unique",
                violation_error_message="This connection has an API key with this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def voucher(self) -> Voucher:
        return Voucher(VoucherKind.API_KEY, self.id, self.connection_id)


class Attempt(models.Model):
    """A request at the intake, and how it ended: clients never show the reason. Only a connection's newest are kept."""

    class Outcome(models.TextChoices):
        STORED = "stored", "Stored"
        REPEAT = "repeat", "Repeat"
        REJECTED = "rejected", "Rejected"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    status = models.PositiveSmallIntegerField("HTTP status")
    # The mistake, in words for the person who set the sender up; empty unless rejected.
    reason = models.CharField(max_length=MAX_TEXT_LENGTH, blank=True)
    key_name = models.CharField("API key", max_length=MAX_NAME_LENGTH, blank=True)
    job_name = models.CharField("job", max_length=MAX_TEXT_LENGTH, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["connection", "-at", "-id"], name="attempt_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.outcome}"
