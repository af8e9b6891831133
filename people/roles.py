"""Roles of people, as columns of their users: an administrator is a superuser, an editor a member of one group."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Case, CharField, Exists, Max, OuterRef, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Greatest

from connections.roles import EDITOR, EDITOR_PERMISSIONS
from people.factors import FACTORS
from people.models import ApiToken, LastUse


class Role(TextChoices):
    """`Editor` is one who may add and change connections; everybody signed in may view."""

    VIEWER = "viewer", "Viewer"
    EDITOR = "editor", "Editor"
    ADMINISTRATOR = "administrator", "Administrator"


def people() -> QuerySet[User]:
    """Return users with `role`, `has_factor`, and `last_seen`: when they last signed in, or used a session or an API
    token of theirs."""
    membership = User.groups.through.objects.filter(user=OuterRef("pk"), group__name=EDITOR)
    tokens = ApiToken.objects.filter(user=OuterRef("pk")).order_by().values("user")
    return User.objects.annotate(
        role=Case(
            When(is_superuser=True, then=Value(Role.ADMINISTRATOR.value)),
            When(Exists(membership), then=Value(Role.EDITOR.value)),
            default=Value(Role.VIEWER.value),
            output_field=CharField(),
        ),
        has_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)),
        # PostgreSQL's GREATEST leaves out what is null.
        last_seen=Greatest(
            "last_login",
            Subquery(tokens.annotate(last=Max("last_used_at")).values("last")),
            Subquery(LastUse.objects.filter(user=OuterRef("pk")).values("at")),
        ),
    )


def role_of(user: User) -> Role:
    if user.is_superuser:
        return Role.ADMINISTRATOR
    return Role.EDITOR if user.groups.filter(name=EDITOR).exists() else Role.VIEWER


def give_role(user: User, role: Role) -> None:
    """Write the role of a user, in a transaction of the caller. Other groups stay."""
    is_administrator = role is Role.ADMINISTRATOR
    # The operators' site is the administrators'; whom somebody let in there otherwise keeps that.
    user.is_staff = is_administrator or (user.is_staff and not user.is_superuser)
    user.is_superuser = is_administrator
    user.save(update_fields=["is_staff", "is_superuser"])
    if role is Role.EDITOR:
        user.groups.add(_editors())
    else:
        user.groups.remove(*user.groups.filter(name=EDITOR))


def _editors() -> Group:
    """Return the group of editors. If somebody deleted or renamed it, it is made again, with its permissions."""
    group, is_new = Group.objects.get_or_create(name=EDITOR)
    if is_new:
        of_connections = Permission.objects.filter(content_type__app_label="connections")
        group.permissions.set(of_connections.filter(codename__in=EDITOR_PERMISSIONS))
    return group
