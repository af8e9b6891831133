"""Secrets of sources at rest."""

import uuid
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from pull.secrets import NoSecretsKey, SecretUnreadable, check_keys, decrypt, encrypt, rotate

SOURCE = uuid.uuid4()
URL = "https://airflow.example.com/x"
SECRET = {"secret": "canary-of-a-password"}


def test_a_secret_is_read_by_its_own_source_at_its_own_host_only() -> None:
    text = encrypt(SOURCE, URL, SECRET)
    assert "canary" not in text
    assert decrypt(SOURCE, "https://AIRFLOW.example.com/other", text) == SECRET
    for source, url in (
        (uuid.uuid4(), URL),
        (SOURCE, "https://attacker.example.com/x"),
        (SOURCE, "http://airflow.example.com/x"),
        (SOURCE, "https://airflow.example.com:8443/x"),
    ):
        with pytest.raises(SecretUnreadable, match="for another address"):
            decrypt(source, url, text)


def test_keys_change(settings: Any) -> None:
    [old] = settings.SECRETS_KEY
    text = encrypt(SOURCE, URL, SECRET)
    new = Fernet.generate_key().decode()
    settings.SECRETS_KEY = [new, old]
    assert decrypt(SOURCE, URL, text) == SECRET
    rotated = rotate(text)
    settings.SECRETS_KEY = [new]
    assert decrypt(SOURCE, URL, rotated) == SECRET
    with pytest.raises(SecretUnreadable, match="SECRETS_KEY was changed"):
        decrypt(SOURCE, URL, text)
    settings.SECRETS_KEY = []
    with pytest.raises(SecretUnreadable, match="not set any more"):
        decrypt(SOURCE, URL, rotated)
    with pytest.raises(NoSecretsKey):
        encrypt(SOURCE, URL, SECRET)
    with pytest.raises(NoSecretsKey):
        rotate(rotated)


def test_a_malformed_key() -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRETS_KEY"):
        check_keys(["short"])
