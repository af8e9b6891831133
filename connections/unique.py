"""Names that only one row may have."""

from typing import Any

import psycopg
from django.db import IntegrityError, models, transaction


def save_unless_taken(row: models.Model, constraint: str, duplicate: type[Exception], **options: Any) -> None:
    """Save the row. Raises `duplicate` if another one has what this unique constraint allows once.

    Leaves the decision to the database, which alone sees what others commit meanwhile.
    """
    try:
        with transaction.atomic():
            row.save(**options)
    except IntegrityError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.IntegrityError) or cause.diag.constraint_name != constraint:
            raise
        raise duplicate() from None
