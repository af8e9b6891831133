"""People, API tokens and sessions for operators.

People make their own tokens on their account's page; here operators see whose there are, and end them.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.model_admin import NotEdited
from audit.models import Verb
from audit.record import record
from people.accounts import (
    DuplicateEmail,
    DuplicateUsername,
    LastAdministrator,
    end_sessions_and_tokens,
    is_login_taken,
    require_another_administrator,
)
from people.factors import remove_factor
from people.local_login import is_break_glass
from people.models import ApiToken

# Django's own tells no subclass that a password was changed, and lets the last administrator go.
admin.site.unregister(User)


class NewPersonForm(AdminUserCreationForm):  # type: ignore[type-arg]
    def clean_username(self) -> str:
        username = str(super().clean_username())
        if is_login_taken(username):
            raise ValidationError(str(DuplicateUsername()))
        return username


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for field, refusal in (("username", DuplicateUsername), ("email", DuplicateEmail)):
            login = self.cleaned_data.get(field)
            if field in self.changed_data and login and is_login_taken(login, besides=self.instance.pk):
                self.add_error(field, str(refusal()))
        stays = self.cleaned_data.get("is_superuser") and self.cleaned_data.get("is_active")
        if not stays or ("username" in self.changed_data and is_break_glass(self._before())):
            try:
                require_another_administrator(self.instance)
            except LastAdministrator as error:
                self.add_error(None, str(error))
        return cleaned

    def _before(self) -> User:
        """Return the person without the changes of this form, which Django writes into its instance."""
        return User.objects.get(pk=self.instance.pk)


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    form = PersonForm
    add_form = NewPersonForm

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            end_sessions_and_tokens(obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _require_another_administrator(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with transaction.atomic():
            _require_another_administrator(*queryset)
            super().delete_queryset(request, queryset)

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        before = self.get_object(request, unquote(id))
        response = super().user_change_password(request, id, form_url)
        after = self.get_object(request, unquote(id))
        if before and after and before.password != after.password:
            record(Verb.PASSWORD_CHANGED, after)
        return response


def _require_another_administrator(*leaving: User) -> None:
    """Raise PermissionDenied in place of LastAdministrator: the pages that delete have no other way to refuse."""
    try:
        require_another_administrator(*leaving)
    except LastAdministrator as error:
        raise PermissionDenied(str(error)) from error


@admin.register(ApiToken)
class ApiTokenAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "user", "lookup", "scopes", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "lookup", "user__username", "user__email")
    date_hierarchy = "created_at"
    # Without the hash, which is of no use to a reader.
    fields = ("name", "user", "lookup", "scopes", "created_at", "expires_at", "last_used_at")


# allauth's own lets administrators write sessions, and deleting one there leaves its person signed in.
admin.site.unregister(UserSession)


@admin.register(UserSession)
class UserSessionAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "created_at", "ip", "user_agent")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "ip")
    date_hierarchy = "created_at"
    fields = ("user", "created_at", "ip", "user_agent")

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:  # noqa: ARG002
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[UserSession]) -> None:  # noqa: ARG002
        for session in queryset:
            session.end()


# The provider is set up by the environment, and tokens of it are not kept.
admin.site.unregister([SocialApp, SocialToken, SocialAccount])


@admin.register(SocialAccount)
class SocialAccountAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "date_joined", "last_login")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    date_hierarchy = "date_joined"
    fields = ("user", "date_joined", "last_login", "extra_data")


# allauth's own shows the secrets of factors, and lets administrators write them.
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(NotEdited, admin.ModelAdmin):  # type: ignore[type-arg]
    has_recording_actions = True
    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    date_hierarchy = "created_at"
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        """Refuse to remove one's own here: a password would do. The account's page asks for a factor."""
        return super().has_delete_permission(request, obj) and not (obj and obj.user_id == request.user.pk)

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        remove_factor(factor=obj, keep=request.session.session_key)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        with transaction.atomic():
            for factor in queryset:
                remove_factor(factor=factor, keep=request.session.session_key)
