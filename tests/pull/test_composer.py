"""Google Cloud Composer, as Google's documentation describes it: it was never seen live."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pull.http.client import Client
from pull.http.faults import Fault, FaultCode
from pull.sources.composer import ByServiceAccount, statement_of
from tests.pull.conftest import ALLOWED
from tests.pull.local_server import Answer, answering

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def key(private_key: rsa.RSAPrivateKey) -> str:
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps({"client_email": "observatory@shop.iam.example", "private_key": pem.decode()})


def test_what_google_gives_a_token_for(private_key: rsa.RSAPrivateKey, key: str) -> None:
    audience = "https://oauth2.googleapis.com/token"
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        statement_of(key, NOW), private_key.public_key(), algorithms=["RS256"], audience=audience, options=options
    )
    assert claims["iss"] == "observatory@shop.iam.example"
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert claims["exp"] - claims["iat"] == 600


def test_the_token_goes_to_airflow(key: str) -> None:
    with answering(lambda _: Answer(200, b'{"access_token": "ya29", "expires_in": 3599}')) as google:
        login = ByServiceAccount(key, lambda _: Client(google.url, ALLOWED))
        with Client("https://example.composer.googleusercontent.com", ALLOWED) as airflow:
            assert login.authorization(airflow, is_airflow_3=True) == "Bearer ya29"
            assert airflow.calls == 0
    [asked] = google.asked
    assert (asked.method, asked.path) == ("POST", "/token")
    form = parse_qs(asked.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert "private" not in repr(login).lower()


@pytest.mark.parametrize("key", ["canary", "{}", '{"client_email": "a", "private_key": "canary"}', "[]"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(Fault) as raised:
        statement_of(key, NOW)
    assert raised.value.code == FaultCode.UNAUTHORIZED
    assert "canary" not in raised.value.words
    assert raised.value.__suppress_context__
