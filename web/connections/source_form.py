"""Form in which people say how Observatory fetches from a system."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from pull.actions import SecretNeeded
from pull.http.client import checked_url
from pull.models import DEFAULT_BACKFILL_DAYS, DEFAULT_INTERVAL, INTERVALS, MOST_BACKFILL_DAYS, PullSource
from pull.sources import ROOMS
from pull.sources.fetcher import Field, Room
from pull.systems import TYPES

_LONGEST: Final = 1000
# A key may be a whole file.
_LONGEST_SECRET: Final = 20_000
# Of the field with the base URL, in the form of each room.
_URL: Final = "url"


def rooms_for(connection_type: str) -> list[Room]:
    """Return the rooms of the systems from which connections of this type can be fetched, the usual one first."""
    return [room for room in ROOMS if TYPES[room.system] == connection_type]


class SecretField(forms.CharField):
    """A password or a token: no answer repeats it."""

    is_secret = True
    widget = forms.PasswordInput


class SourceForm(forms.Form):
    """Asks for the fields of a room, and how often to fetch.

    With a `source` it changes that one: an empty secret leaves the stored one, unless the address is another.
    """

    def __init__(self, *args: Any, room: Room, source: PullSource | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.room = room
        self._source = source
        for field in room.fields:
            self.fields[field.name] = _form_field(field, is_kept=source is not None)
        now = source.every_minutes if source else DEFAULT_INTERVAL
        self.fields["every_minutes"] = forms.TypedChoiceField(
            label="Fetch every",
            coerce=int,
            choices=[(n, f"{n} minute{'s' if n > 1 else ''}") for n in sorted({*INTERVALS, now})],
            initial=now,
            help_text="Each time only what changed since is asked for.",
            widget=_select(),
        )
        if source is None:
            self.fields["backfill_days"] = forms.IntegerField(
                label="Days to go back at first",
                min_value=0,
                max_value=MOST_BACKFILL_DAYS,
                initial=DEFAULT_BACKFILL_DAYS,
                help_text=f"Runs of the last days, {MOST_BACKFILL_DAYS} at most. The newest come first.",
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        for name, check in {_URL: checked_url, **self.room.checks}.items():
            if name in cleaned:
                try:
                    cleaned[name] = check(cleaned[name])
                except ValueError as error:
                    self.add_error(name, str(error))
        if not self.errors and self._would_go_elsewhere():
            self.add_error(self._secrets[0], str(SecretNeeded()))
        return cleaned

    def _would_go_elsewhere(self) -> bool:
        """True if the stored secret would be used for another address than the one that it was typed for."""
        if self._source is None or not self._source.secret or self.secret is not None:
            return False
        return self.room.url(self.config) != self.room.url(self._source.config)

    @property
    def of_system(self) -> list[forms.BoundField]:
        """The fields of the room."""
        return [self[field.name] for field in self.room.fields]

    @property
    def config(self) -> dict[str, str]:
        """Field → what was typed, without secrets."""
        return {field.name: self.cleaned_data[field.name] for field in self.room.fields if not field.is_secret}

    @property
    def secret(self) -> Mapping[str, str] | None:
        """Field → secret. None if the stored one stays."""
        typed = {name: self.cleaned_data.get(name, "") for name in self._secrets}
        return typed if self._source is None or any(typed.values()) else None

    @property
    def _secrets(self) -> list[str]:
        return [field.name for field in self.room.fields if field.is_secret]


def _form_field(field: Field, *, is_kept: bool) -> forms.Field:
    shared: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": field.required}
    if field.choices:
        return forms.ChoiceField(choices=field.choices, initial=field.initial, widget=_select(), **shared)
    if field.is_secret:
        if is_kept:
            shared |= {"help_text": "Leave it empty to keep the stored one.", "required": False}
        return SecretField(max_length=_LONGEST_SECRET, strip=False, **shared)
    made = forms.CharField(max_length=_LONGEST, initial=field.initial, **shared)
    made.widget.attrs["placeholder"] = field.placeholder
    return made


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})
