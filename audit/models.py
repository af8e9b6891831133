"""Entries of the audit. `audit.record` writes them, a trigger of the database refuses to change or delete them."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

MAX_NAME_LENGTH = 255


class Verb(models.TextChoices):
    """Actions, with the words that begin a sentence about one."""

    ADDED = "added", "Added"
    CHANGED = "changed", "Changed"
    RENAMED = "renamed", "Renamed"
    REMOVED = "removed", "Removed"
    ROLE_CHANGED = "role_changed", "Changed the role of"
    DEACTIVATED = "deactivated", "Deactivated"
    REACTIVATED = "reactivated", "Reactivated"
    LINK_MADE = "link_made", "Made a password link for"
    PASSWORD_CHANGED = "password_changed", "Changed the password of"
    FACTOR_ADDED = "factor_added", "Added a factor of"
    FACTOR_REMOVED = "factor_removed", "Removed a factor of"
    CODES_MADE = "codes_made", "Made recovery codes of"
    SSO_LINKED = "sso_linked", "Linked to single sign-on"
    SESSIONS_ENDED = "sessions_ended", "Ended sessions of"
    SIGNED_IN = "signed_in", "Signed in as"
    SIGN_IN_REFUSED = "sign_in_refused", "Refused a sign-in as"
    SECOND_STEP_FAILED = "second_step_failed", "Failed the second step as"
    CONFIRMED = "confirmed", "Confirmed to be"
    SIGNED_OUT = "signed_out", "Signed out as"


class Via(models.TextChoices):
    """The way by which it was done."""

    PAGE = "page", "page"
    API = "api", "API"
    ADMIN = "admin", "operators' site"
    COMMAND = "command", "command"
    EVENT = "event", "event"


class AuditEntry(models.Model):
    """Action of somebody. Holds texts, not foreign keys, so that it outlives what it is about."""

    # By the database's clock, which all processes share.
    at = models.DateTimeField(db_default=Now())
    # The person's user name at that moment; of commands, the account of the operating system. Empty: nobody signed in.
    actor = models.CharField(max_length=150, blank=True)
    via = models.CharField(max_length=10, choices=Via)
    verb = models.CharField(max_length=20, choices=Verb)
    # Kind of what was acted on, such as `API key`; its primary key and its name at that moment.
    object = models.CharField(max_length=50)
    object_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True)
    # Field → [before, after]. Never a secret, nor its hash.
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    address = models.GenericIPAddressField(null=True, blank=True, unpack_ipv4=True)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["-at", "-id"], name="audit_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.verb} {self.object} {self.name}"
