"""Calls to AWS: the guarded client sends them, errors have words, and secrets stay secret."""

import json
import logging
import re
import traceback
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.session import Session

from pull.actions import probe
from pull.http.client import Client
from pull.http.faults import Fault, FaultCode
from pull.http.hosts import AllowedHosts
from pull.sources.aws.caller import AwsCaller
from pull.sources.aws.regions import REGIONS, endpoint_of
from pull.sources.fetcher import Opened
from tests.house.files import ROOT
from tests.pull.conftest import ALLOWED
from tests.pull.local_server import Answer, Asked, answering

SECRET = "canary-of-a-secret"
ROLE_SECRET = "canary-of-a-role"
ROLE_TOKEN = "canary-of-a-token"
ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"
    f"<SecretAccessKey>{ROLE_SECRET}</SecretAccessKey><SessionToken>{ROLE_TOKEN}</SessionToken>"
    "<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


def caller(url: str, allowed: AllowedHosts = ALLOWED, **config: str) -> AwsCaller:
    config = {"region": "eu-west-1", "endpoint": url, "access_key_id": "AKIA", **config}
    client_of = partial(Client, allowed=allowed)
    return AwsCaller(Opened(config, {"secret": SECRET}, Client(url, allowed), client_of, lambda _: ()))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pull.sources.aws.caller.PAUSES", (0.0, 0.0))


@pytest.fixture(autouse=True)
def level_of_botocore() -> Iterator[None]:
    yield
    logging.getLogger("botocore").setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("error", "status", "code", "says"),
    [
        ("AccessDeniedException", 400, "forbidden", "states:ListStateMachines"),
        ("UnrecognizedClientException", 400, "unauthorized", "does not know this access key"),
        ("InvalidSignatureException", 403, "unauthorized", "the secret access key is another one"),
        ("ExpiredTokenException", 400, "unauthorized", "token"),
        ("ThrottlingException", 400, "throttled", "pause"),
        ("InvalidArn", 400, "bad_request", "InvalidArn"),
        ("StateMachineDoesNotExist", 400, "not_found", "does not have"),
        ("InternalFailure", 500, "server_fault", "500"),
        ("Moved", 302, "unexpected", "Moved"),
    ],
)
def test_errors_have_words_and_no_secrets(error: str, status: int, code: str, says: str) -> None:
    # AWS's own words name users and resources.
    body = json.dumps({"__type": error, "message": f"User with {SECRET}"}).encode()
    with answering(lambda _: Answer(status, body, {"Location": "http://127.0.0.1:1/"})) as server:
        with pytest.raises(Fault) as caught:
            caller(server.url).call("stepfunctions", "list_state_machines")
        # Nothing is tried again but what was throttled.
        assert len(server.asked) == (3 if code == "throttled" else 1)
        assert SECRET.encode() not in server.asked[0].body + str(server.asked[0].headers).encode()
    assert (caught.value.code, SECRET in caught.value.words) == (code, False)
    assert says in caught.value.words


def test_addresses_are_checked_and_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "of-this-machine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHISMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-this-machine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Fault) as refused:
        caller("https://127.0.0.1:1", AllowedHosts()).call("glue", "list_jobs")
    assert refused.value.code == FaultCode.ADDRESS_REFUSED
    with pytest.raises(Fault) as unreachable:
        caller("http://127.0.0.1:1").call("glue", "list_jobs")
    assert unreachable.value.code == FaultCode.UNREACHABLE
    with answering(lambda _: Answer(200, b'{"JobNames": ["etl"]}')) as server:
        # Not even without a key are those of this machine used.
        assert caller(server.url, access_key_id="").call("glue", "list_jobs")["JobNames"] == ["etl"]
        assert "OFTHISMACHINE" not in str(server.asked[0].headers)


def test_a_role_is_assumed_and_once_more_when_its_token_ends(caplog: pytest.LogCaptureFixture) -> None:
    assumed: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        if b"AssumeRole" in asked.body:
            assumed.append(asked)
            return Answer(200, ASSUMED.encode(), {"Content-Type": "text/xml"})
        assert asked.headers["X-Amz-Security-Token"] == ROLE_TOKEN
        if len(assumed) < 2:
            return Answer(400, b'{"__type": "ExpiredTokenException"}')
        return Answer(400, b'{"__type": "AccessDeniedException"}')

    caplog.set_level(logging.DEBUG)
    role_arn = "arn:aws:iam::123456789012:role/reads"
    with answering(answer) as server, pytest.raises(Fault) as caught:
        caller(server.url, role_arn=role_arn, external_id="ours").call("glue", "list_jobs")
    assert (caught.value.code, len(assumed)) == (FaultCode.FORBIDDEN, 2)
    assert b"ExternalId=ours" in assumed[0].body
    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert [secret for secret in (SECRET, ROLE_SECRET, ROLE_TOKEN) if secret in written] == []


def test_hosts_are_made_of_regions_as_the_sdk_makes_them() -> None:
    session: Any = Session()
    for partition in ("aws", "aws-us-gov", "aws-cn"):
        assert set(session.get_available_regions("stepfunctions", partition)) <= set(REGIONS)
    for region in ("eu-west-1", "us-gov-west-1", "cn-north-1"):
        keys = {"region_name": region, "aws_access_key_id": "AKIA", "aws_secret_access_key": "none"}
        for service, host in (("stepfunctions", "states"), ("glue", "glue"), ("sts", "sts")):
            client = session.create_client(service, **keys)
            assert client.meta.endpoint_url == endpoint_of(host, {"region": region})
    for region in ("eu-west-1.attacker.example/", "", "mars-1"):
        with pytest.raises(ValueError, match="no region"):
            endpoint_of("states", {"region": region})


@pytest.mark.parametrize(("room", "prefix"), [("glue", "glue"), ("step_functions", "states")])
def test_the_policy_of_the_guide_is_what_is_called(room: str, prefix: str) -> None:
    source = (ROOT / "pull" / "sources" / room / "api.py").read_text()
    called = set(re.findall(r'"((?:list|get|describe)_\w+)"', source))
    policy = (ROOT / "docs/connect/aws-fetch.md").read_text()
    actions = set(re.findall(rf'^ +"{prefix}:(\w+)",?$', policy, re.MULTILINE))
    assert {"".join(map(str.capitalize, name.split("_"))) for name in called} == actions != set()


@pytest.mark.parametrize("system", ["glue", "step_functions"])
def test_a_test_says_what_is_wrong(system: str) -> None:
    with answering(lambda _: Answer(403, b"<Error><Code>InvalidClientTokenId</Code></Error>")) as server:
        config = {"region": "eu-west-1", "endpoint": server.url, "access_key_id": "AKIA"}
        steps = list(probe(system=system, config=config, secret={"secret": SECRET}, allowed=ALLOWED))
    assert [(step.title, step.passed) for step in steps] == [("Signs in", False)]
    steps = list(probe(system=system, config={"region": "mars-1"}, secret={}, allowed=ALLOWED))
    assert [(step.title, step.passed) for step in steps] == [("Address", False)]
