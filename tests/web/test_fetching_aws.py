"""The form for services of AWS. Pure: nothing is stored."""

import pytest

from pull.models import PullSource
from pull.sources.fetcher import Room
from pull.sources.glue import GLUE
from pull.sources.step_functions import STEP_FUNCTIONS
from web.connections.source_form import SourceForm

TYPED = {"region": "eu-west-1", "access_key_id": "AKIA", "secret": "a/secret", "every_minutes": 5, "backfill_days": 7}


@pytest.mark.parametrize("room", [GLUE, STEP_FUNCTIONS])
def test_a_region_is_chosen_and_a_secret_stays_in_its_region(room: Room) -> None:
    form = SourceForm(TYPED, room=room, source=None)
    assert form.is_valid(), form.errors
    assert form.config == {"region": "eu-west-1", "access_key_id": "AKIA", "role_arn": "", "external_id": ""}
    assert form.secret == {"secret": "a/secret"}
    for region in ("mars-1", "eu-west-1.attacker.example/"):
        assert "region" in SourceForm({**TYPED, "region": region}, room=room, source=None).errors
    # Nobody can name another host.
    assert (
        "endpoint" not in SourceForm({**TYPED, "endpoint": "https://attacker.example"}, room=room, source=None).fields
    )

    stored = PullSource(system=room.system, config=form.config, secret="sealed")
    kept = {**TYPED, "secret": ""}
    assert SourceForm(kept, room=room, source=stored).is_valid()
    moved = SourceForm({**kept, "region": "us-east-1"}, room=room, source=stored)
    assert list(moved.errors) == ["secret"]
