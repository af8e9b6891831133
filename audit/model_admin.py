"""Mixins for the operators' site: it records what administrators do, and lets most rows only be looked at."""

from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction
from django.http import HttpRequest

from audit.models import Verb
from audit.record import Changes, record

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as Base
    from django.forms import ModelForm
else:
    Base = object

_SECRET_FIELDS: Final = frozenset({"password"})


class NotEdited(Base):  # type: ignore[type-arg]
    """Mixin for a ModelAdmin of rows that only the product itself adds and changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the framework's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class AuditedModelAdmin(Base):  # type: ignore[type-arg]
    """Mixin for a ModelAdmin: records what it adds, changes and deletes, in the transaction of that.

    The site gives it to every model, except to those whose admin calls actions that record (`has_recording_actions`).
    """

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        changes = changes_of(form)
        if changes or not change:
            record(Verb.CHANGED if change else Verb.ADDED, form.instance, changes)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            record(Verb.REMOVED, obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            for obj in queryset:
                record(Verb.REMOVED, obj)
            super().delete_queryset(request, queryset)


def changes_of(form: "ModelForm[Any]") -> Changes:
    """Return the fields of the model that a valid form changes, without secrets."""
    meta = form.instance._meta  # noqa: SLF001 - documented API of models
    of_model = {field.name for field in (*meta.fields, *meta.many_to_many)}
    names = [name for name in form.changed_data if name in of_model - _SECRET_FIELDS]
    return {name: (_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name))) for name in names}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: rows by their names."""
    if isinstance(value, models.QuerySet | list | tuple):
        return sorted(str(row) for row in value)
    return str(value) if isinstance(value, models.Model) else value
