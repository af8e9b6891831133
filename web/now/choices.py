"""Choices of the reader on the page Now."""

from typing import Final

from django_filters import FilterSet

from lineage.database import filters
from lineage.now.problems import ProblemKind
from web.components.lists import Listing
from web.components.values import page_number, uuids
from web.jobs.rows import MOST_OPEN

TITLES: Final = {kind.value: kind.value.capitalize() for kind in ProblemKind}


class ProblemFilter(FilterSet):
    """Filters of problems, which are no rows of a table: the page applies them."""

    kind = filters.choice(TITLES.items(), method=filters.unfiltered)
    owner = filters.text("One of the owners, exactly.", method=filters.unfiltered, strip=False)


NOW: Final = Listing(
    ProblemFilter,
    names={"kind": "kind", "owner": "owner"},
    kept={"open": uuids(MOST_OPEN), "page": page_number},
    place="page",
)
