"""Fields that each kind of Airflow has in its form."""

from collections.abc import Mapping
from typing import Final

from pull.http.faults import FaultCode
from pull.sources.airflow.run_ids import Recipe
from pull.sources.fetcher import Field

URL: Final = Field(
    "url", "Airflow's URL", "As in your browser, without /home.", placeholder="https://airflow.example.com"
)
NAMESPACE: Final = Field(
    "namespace",
    "OpenLineage namespace",
    "Of the jobs. If this Airflow also sends events: its setting [openlineage] namespace.",
    initial="default",
)
RECIPE: Final = Field(
    "recipe",
    "OpenLineage provider of this Airflow",
    "Matters only if it also sends events: then a run that comes both ways is one.",
    choices=(
        ("", "Ask Airflow"),
        (Recipe.CURRENT, "None, or 2.0 and newer"),
        (Recipe.V1_9, "1.9 to 1.14"),
        (Recipe.V1_6, "1.6 to 1.8"),
        (Recipe.V1_4, "1.4 and 1.5"),
    ),
    required=False,
)
# Code of a fault → what to do.
HINTS: Final[Mapping[str, str]] = {
    FaultCode.UNAUTHORIZED: "A password was changed, or a token has ended: enter the new one.",
    FaultCode.FORBIDDEN: "Airflow 2 answers 403 also to a wrong password, and to every one while its setting [api] "
    "auth_backends lacks airflow.api.auth.backend.basic_auth. Else the user needs the role Viewer.",
    FaultCode.NOT_FOUND: "The URL ends before /home, and has the path under which Airflow is served, if any.",
    FaultCode.NOT_JSON: "Single sign-on in front of Airflow lets no user and password through: it has to leave /api "
    "and /auth open to Observatory, or give it a token.",
    FaultCode.REDIRECTED: "Enter the URL at which the browser ends up, without /home.",
    FaultCode.THROTTLED: "The next sync waits as long as it asks.",
}


def recipe_of_form(config: Mapping[str, str]) -> Recipe | None:
    """Return the chosen recipe; None: Airflow is to be asked."""
    recipe = config.get("recipe", "")
    return Recipe(recipe) if recipe else None
