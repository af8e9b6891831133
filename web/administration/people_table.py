"""The list of people: which ones, by name, and what its filters lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django_filters import FilterSet

from lineage.database import filters
from lineage.database.keyset import Keyset
from people.roles import Role, people
from web.components.density import DENSITY
from web.components.lists import Choices, Listing, Option, Places, keyset_page, keyset_places, options
from web.components.values import place_in

ROWS_PER_PAGE: Final = 50
BY_NAME: Final = Keyset({"username": str, "id": int})
STATES: Final = {"active": "Active", "deactivated": "Deactivated"}


class PeopleFilter(FilterSet):
    search = filters.search("A part of the user name or of the e-mail address.", method="by_words")
    role = filters.choice(Role.choices)
    state = filters.choice(STATES.items(), method="in_state")

    def by_words(self, users: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return users.filter(Q(username__icontains=value) | Q(email__icontains=value))

    def in_state(self, users: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return users.filter(is_active=value == "active")


PEOPLE: Final = Listing(
    PeopleFilter,
    {"q": "search", "role": "role", "state": "state"},
    kept={"cursor": place_in(BY_NAME), **DENSITY},
    place="cursor",
)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """`last_seen`: None for somebody who never signed in."""

    user: User
    role: str
    has_factor: bool
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class PeopleTable:
    choices: Choices
    rows: list[PersonRow]
    roles: list[Option]
    states: list[Option]
    places: Places


def read_people_table(choices: Choices) -> PeopleTable:
    found = people()
    page = keyset_page(BY_NAME, found.none() if choices.errors else choices.filter(found), choices, ROWS_PER_PAGE)
    return PeopleTable(
        choices=choices,
        rows=[PersonRow(user, Role(user.role).label, user.has_factor, user.last_seen) for user in page.rows],
        roles=options(choices, "role", dict(Role.choices)),
        states=options(choices, "state", STATES),
        places=keyset_places(choices, page),
    )
