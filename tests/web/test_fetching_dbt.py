"""Set-up of fetching dbt's artifacts: a URL, or a directory below PULL_LOCAL_ROOT."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from pull.models import PullSource
from tests.pull.dbt.artifacts import NAMESPACE, TABLES, copied_to
from tests.web.rows import make_connection

pytestmark = pytest.mark.django_db


def test_the_form_takes_a_url_or_a_directory(as_editor: Client, settings: Any, tmp_path: Path) -> None:
    connection = make_connection("dbt production", "dbt")
    path = f"/connections/{connection.pk}/fetching"
    copied_to(tmp_path / "shop")
    form = {"place": "shop", "secret": "", "namespace": NAMESPACE, "tables": TABLES}
    values = {**form, "every_minutes": "5", "backfill_days": "7"}
    settings.PULL_LOCAL_ROOT = ""
    assert "machine are off" in as_editor.post(path, values).content.decode()
    assert "no user, no ? and no #" in as_editor.post(path, {**values, "place": "https://a@b.c"}).content.decode()
    assert not PullSource.objects.exists()
    settings.PULL_LOCAL_ROOT = str(tmp_path)
    tested = as_editor.post(f"{path}/test", values, headers={"HX-Request": "true", "HX-Target": "probe"})
    assert "Project shop" in tested.content.decode()
    assert as_editor.post(path, values).status_code == 302
    assert PullSource.objects.get().config["place"] == "shop"
    assert "file:///shop" in as_editor.get(f"{path}/remove").content.decode()
    assert ">/shop</span>" in as_editor.get(f"/connections/{connection.pk}/settings").content.decode()
