"""Connections, their routes, the keys that send to them, and what became of that. Writes are in actions, routes and
workspace_keys, reads in querysets."""

import uuid
from datetime import datetime
from typing import Any, TypeAlias

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from connections import kinds
from connections.names import MAX_NAME_LENGTH, validate_name
from connections.privacy import DEFAULT_AUDIENCE, Audience, PrivacyClass
from connections.querysets import (
    ApiKeyQuerySet,
    AttemptQuerySet,
    ConnectionQuerySet,
    RouteQuerySet,
    UnmatchedNamespaceQuerySet,
    WorkspaceKeyQuerySet,
)
from connections.routing import IN_WORDS, MAX_NAMESPACE_LENGTH
from connections.vouchers import Voucher, VoucherKind

# The limit for an attempt's reason, and for the name of its job.
MAX_TEXT_LENGTH = 500


class Connection(models.Model):
    """An orchestrator that sends events."""

    Type: TypeAlias = kinds.Type

    class Visibility(models.TextChoices):
        EVERYONE = "everyone", "Everybody"
        MEMBERS = "members", "Members only"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("display name", max_length=MAX_NAME_LENGTH, validators=[validate_name])
    type = models.CharField("connection type", max_length=20, choices=Type)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    # Who sees it beside administrators; members have a ConnectionAccess.
    visibility = models.CharField(
        max_length=10, choices=Visibility, default=Visibility.EVERYONE, db_default=Visibility.EVERYONE
    )
    # Set when somebody removes the connection: from then on nothing shows it, and its rows are being deleted.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # PrivacyClass → Audience, of the classes for which somebody chose one.
    who_sees = models.JSONField("who sees parts of its events", default=dict, db_default={}, editable=False)

    # Rights of the reader of a page (connections/access.py), where its view read them.
    rights: Any

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


class ConnectionAccess(models.Model):
    """Membership of a person or of a group in a connection. A level includes those before it."""

    class Level(models.TextChoices):
        VIEW = "view", "View"
        EDIT = "edit", "Edit"
        ADMIN = "admin", "Administer"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="accesses")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    group = models.ForeignKey("auth.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    level = models.CharField(max_length=10, choices=Level)

    class Meta:
        verbose_name = "connection access"
        verbose_name_plural = "connection accesses"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(group__isnull=True),
                name="access_of_person_or_group",
            ),
            models.UniqueConstraint(fields=["connection", "user"], name="access_of_person_unique"),
            models.UniqueConstraint(fields=["connection", "group"], name="access_of_group_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group} in {self.connection}"


class SecretKey(models.Model):
    """A named secret of senders. Only its hash is kept; deleting the row ends the key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
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

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class ApiKey(SecretKey):
    """A key of one connection."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="api_keys")

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

    @property
    def voucher(self) -> Voucher:
        return Voucher(VoucherKind.API_KEY, self.id, self.connection_id)


class WorkspaceKey(SecretKey):
    """A key of many connections: the namespace of an event's job names the one that it is for (connections/routing.py).

    It is refused from `expires_at` on; None: it never expires.
    """

    class Scope(models.TextChoices):
        ALL = "all", "All connections"
        CHOSEN = "chosen", "Chosen connections"

    class Unmatched(models.TextChoices):
        REFUSE = "refuse", "Refuse the event"
        CREATE = "create", "Make a connection"

    expires_at = models.DateTimeField(null=True, blank=True)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ALL)
    # Connections of the scope, if they are chosen.
    connections = models.ManyToManyField(Connection, related_name="+", blank=True)
    # The connection of events without a job.
    default_connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    unmatched = models.CharField(
        "namespace without a connection", max_length=10, choices=Unmatched, default=Unmatched.REFUSE
    )
    # The newest request that was refused with this key and concerned no connection: its body was no event, for example.
    # In the words of an Attempt; empty if there was none.
    refused_at = models.DateTimeField(null=True, blank=True)
    refused_status = models.PositiveSmallIntegerField("HTTP status", null=True, blank=True)
    refused_reason = models.CharField(max_length=MAX_TEXT_LENGTH, blank=True, db_default="")
    refused_code = models.CharField(max_length=40, blank=True, db_default="")

    objects = WorkspaceKeyQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="workspace_key_name_unique",
                violation_error_message="There is a workspace key with this name already.",
            ),
            # A connection that an event makes is among none that were chosen.
            models.CheckConstraint(
                condition=models.Q(scope="all") | models.Q(unmatched="refuse"),
                name="workspace_key_of_chosen_makes_none",
            ),
        ]

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class Route(models.Model):
    """A namespace of jobs, and the connection to which a workspace key's events of it go.

    Without a connection it is what remains of a removed one: events make no connection with its namespace again.
    """

    namespace = models.CharField(max_length=MAX_NAMESPACE_LENGTH, db_collation="C")
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="routes")
    created_at = models.DateTimeField()
    made_by_event = models.BooleanField("its connection was made by an event", default=False)

    objects = RouteQuerySet.as_manager()

    class Meta:
        ordering = ["namespace"]
        constraints = [models.UniqueConstraint(fields=["namespace"], name="route_namespace_unique")]

    def __str__(self) -> str:
        return self.namespace


class UnmatchedNamespace(models.Model):
    """A namespace whose events were refused of late, since no connection takes them. Only the newest are kept."""

    workspace_key = models.ForeignKey(WorkspaceKey, on_delete=models.CASCADE, related_name="unmatched_namespaces")
    # Empty: events without a job. Cut to fit.
    namespace = models.CharField(max_length=MAX_NAMESPACE_LENGTH, blank=True, db_collation="C")
    reason = models.CharField(max_length=20, choices=[(reason.value, words) for reason, words in IN_WORDS.items()])
    job_name = models.CharField("job", max_length=MAX_TEXT_LENGTH, blank=True)
    type = models.CharField("connection type", max_length=20, choices=kinds.Type)
    last_at = models.DateTimeField()

    objects = UnmatchedNamespaceQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace_key", "namespace"], name="unmatched_namespace_unique"),
        ]

    def __str__(self) -> str:
        return self.namespace


class Attempt(models.Model):
    """A request at the intake, and how it ended: clients never show the reason. Only a connection's newest are kept."""

    class Outcome(models.TextChoices):
        STORED = "stored", "Stored"
        REPEAT = "repeat", "Repeat"
        REJECTED = "rejected", "Rejected"
        # Somebody tried a key and an event on the connection's page. Nothing was sent, and nothing is stored of it.
        TEST = "test", "Test"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    status = models.PositiveSmallIntegerField("HTTP status")
    # The mistake, in words for the person who set the sender up; empty unless rejected.
    reason = models.CharField(max_length=MAX_TEXT_LENGTH, blank=True)
    # The reason's code (Code in lineage/intake/answers.py); empty unless rejected, and in attempts of older versions.
    code = models.CharField(max_length=40, blank=True, db_default="")
    # The connection of the key, if that is another one. No foreign key: it may be removed, and is only looked up.
    key_connection_id = models.UUIDField("connection of the key", null=True, blank=True)
    key_name = models.CharField("API key", max_length=MAX_NAME_LENGTH, blank=True)
    job_name = models.CharField("job", max_length=MAX_TEXT_LENGTH, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["connection", "-at", "-id"], name="attempt_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.outcome}"
