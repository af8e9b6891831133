"""Write of an audit entry."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.db import models, transaction

from audit.actor import Actor, current_actor
from audit.models import MAX_NAME_LENGTH, AuditEntry, Verb

# Its name is none of those whose lines are left out in a flood (server/log_floods.py).
log: Final = structlog.get_logger("audit")

# Field → value before and after; None: there was none.
Changes = Mapping[str, tuple[Any, Any]]


def record(verb: Verb, subject: models.Model, changes: Changes | None = None, *, actor: Actor | None = None) -> None:
    """Write an entry about `subject`, in the transaction of the action, and a line of the log once it has committed.

    `actor`: None for that of the present request or command. A subject without a primary key is one that nobody knows,
    such as the user of a refused sign-in. Callers leave secrets and their hashes out of `changes`.
    """
    actor = actor or current_actor()
    fields = {
        "actor": actor.name,
        "via": actor.via.value,
        "verb": verb.value,
        "object": str(subject._meta.verbose_name),  # noqa: SLF001 - documented API of models
        "object_id": "" if subject.pk is None else str(subject.pk),
        "name": str(subject)[:MAX_NAME_LENGTH],
        "changes": {field: list(values) for field, values in (changes or {}).items()},
        "address": actor.address,
    }
    AuditEntry.objects.create(**fields)
    transaction.on_commit(lambda: log.info("audit_entry", **fields), robust=True)
