"""Signing in through an identity provider: the code flow against a real one, and what forgers are refused."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from observability.single_sign_on_settings import check, providers, read_role_map
from people.roles import role_of
from people.single_sign_on import NotAdmitted, Rules, person_of
from tests.conftest import PASSWORD
from tests.web.identity_provider import CLIENT_ID, Forger, forger, identity_provider

pytestmark = pytest.mark.django_db


def set_up(settings: Any, issuer: str, **others: Any) -> None:
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer, "Corp"
    settings.SOCIALACCOUNT_PROVIDERS = providers(issuer, CLIENT_ID, "secret", "Corp")
    for name, value in others.items():
        setattr(settings, name, value)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with identity_provider() as url:
        yield url


def leave(client: Client, to: str = "/jobs") -> str:
    """Press the button of the sign-in page, and return where the browser goes."""
    page = client.post("/sign-in/sso", {"next": to}).content.decode()
    (url,) = re.findall(r'content="0; url=([^"]+)"', page)
    return unescape(url)


def come_back(url: str, subject: str) -> str:
    """Sign in at the provider, and return the address to which it leads back."""
    answer = requests.post(url, data={"sub": subject}, allow_redirects=False, timeout=10)
    return str(answer.headers["Location"])


def sign_in(client: Client, subject: str) -> Any:
    return client.get(come_back(leave(client), subject))


ADA: dict[str, Any] = {"email": "ada@corp.test", "email_verified": True, "preferred_username": "ada"}


@pytest.fixture
def corp(issuer: str, settings: Any) -> Callable[[str], None]:
    """Set the product up for a provider of groups. Returns what puts Ada into one there."""
    roles = read_role_map(["data-eng=editor", "data-admins=administrator"])
    set_up(settings, issuer, OIDC_ROLE_CLAIM="groups", OIDC_ROLE_MAP=roles, OIDC_ALLOWED_DOMAINS=["corp.test"])

    def put_into(group: str) -> None:
        requests.put(f"{issuer}/users/1", json={**ADA, "groups": [group]}, timeout=10).raise_for_status()

    return put_into


def test_people_come_and_their_answer_works_once(corp: Callable[[str], None]) -> None:
    corp("data-eng")
    client = Client()
    assert "Sign in with Corp" in client.get("/sign-in").content.decode()
    url = leave(client)
    assert parse_qs(urlsplit(url).query)["code_challenge_method"] == ["S256"]
    back = come_back(url, "1")

    assert client.get(back)["Location"] == "/jobs"
    ada = User.objects.get(username="ada")
    assert (role_of(ada), ada.email, ada.has_usable_password()) == ("editor", "ada@corp.test", False)
    page = client.get("/account").content.decode()
    assert "this one" in page
    assert "Change password" not in page
    assert client.get("/account/password").status_code == 404
    entries = AuditEntry.objects.order_by("id").values_list("verb", "name", "changes__by")
    assert list(entries) == [
        ("added", "ada", None),
        ("sso_linked", "ada", None),
        ("signed_in", "ada", [None, "single sign-on"]),
    ]
    # In the same browser, and in another one.
    for replaying in (client, Client()):
        replaying.logout()
        assert replaying.get(back).status_code == 401
        assert replaying.get("/jobs").status_code == 302


def test_each_sign_in_sets_the_role_of_the_groups(
    corp: Callable[[str], None], settings: Any, administrator: User
) -> None:
    for group, role in (("data-eng", "editor"), ("data-admins", "administrator"), ("data-eng", "editor")):
        corp(group)
        assert sign_in(Client(), "1").status_code == 302
        assert role_of(User.objects.get(username="ada")) == role
    corp("others")
    refused = sign_in(Client(), "1")
    assert refused.status_code == 403
    assert "None of your groups has a role" in refused.content.decode()
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.name) == ("sign_in_refused", "ada")
    SocialAccount.objects.all().delete()
    assert sign_in(Client(), "1").status_code == 403
    assert AuditEntry.objects.latest("id").name == "ada at Corp"
    User.objects.filter(username="ada").update(is_active=False)
    settings.OIDC_ROLE_CLAIM = ""
    assert sign_in(Client(), "1")["Location"] == "/sign-in/inactive"


def test_who_turns_back_there_and_a_provider_that_is_down(issuer: str, settings: Any) -> None:
    set_up(settings, issuer)
    client = Client()
    state = parse_qs(urlsplit(leave(client)).query)["state"][0]
    cancelled = client.get(f"/sign-in/sso/callback?state={state}&error=access_denied")
    assert "You cancelled it there." in cancelled.content.decode()
    assert client.get("/sign-in/sso/callback?code=a&state=made-up").status_code == 401
    set_up(settings, "http://127.0.0.1:9")
    assert client.post("/sign-in/sso").status_code == 503


def other_key(fake: Forger) -> None:
    fake.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def no_signature(fake: Forger) -> None:
    fake.key, fake.algorithm = None, "none"


def public_key_as_secret(fake: Forger) -> None:
    fake.key, fake.algorithm = jwt.algorithms.RSAAlgorithm.to_jwk(fake.published.public_key()), "HS256"


def claiming(**claims: Any) -> Callable[[Forger], None]:
    return lambda fake: fake.claims.update(claims)


def about_somebody_else(fake: Forger) -> None:
    fake.userinfo = {"sub": "2"}


def without_userinfo(fake: Forger) -> None:
    fake.userinfo = {}


def another_challenge(fake: Forger) -> None:
    fake.challenges["c"] = "of somebody else's session"


def another_issuer(fake: Forger) -> None:
    fake.issuer = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "forge",
    [
        None,
        other_key,
        no_signature,
        public_key_as_secret,
        claiming(iss="https://elsewhere.test"),
        claiming(aud="another client"),
        claiming(exp=1_700_000_000),
        about_somebody_else,
        without_userinfo,
        claiming(sub=None),
        another_challenge,
        another_issuer,
    ],
)
def test_forged_tokens_are_refused(settings: Any, forge: Callable[[Forger], None] | None) -> None:
    with forger() as fake:
        set_up(settings, fake.issuer)
        client = Client()
        asked = {name: values[0] for name, values in parse_qs(urlsplit(leave(client)).query).items()}
        fake.challenges["c"] = asked["code_challenge"]
        if forge:
            forge(fake)
        response = client.get("/sign-in/sso/callback", {"code": "c", "state": asked["state"]})
        assert response.status_code == (401 if forge else 302)
        assert SocialAccount.objects.count() == (0 if forge else 1)
        assert client.get("/jobs").status_code == (302 if forge else 200)


ANY = Rules("", {}, frozenset())
CORP = Rules("", {}, frozenset({"corp.test"}))


def come(rules: Rules = ANY, known: User | None = None, **claims: Any) -> User:
    return person_of(known=known, claims={"sub": "1", **claims}, rules=rules, now=timezone.now())


def test_an_address_finds_an_account_only_if_it_is_verified_and_allowed(viewer: User) -> None:
    User.objects.filter(pk=viewer.pk).update(email="viewer@corp.test")
    address: Any = {"email": "Viewer@corp.test", "email_verified": True}
    assert come(CORP, **address) == viewer
    refused: Any = (
        (CORP, {**address, "email_verified": False}),
        (CORP, {"email": "viewer@elsewhere.test", "email_verified": True}),
        (CORP, {}),
        (ANY, address),
    )
    for rules, claims in refused:
        with pytest.raises(NotAdmitted):
            come(rules, **claims)
    stranger = come(**{**address, "email_verified": False})
    assert (stranger == viewer, stranger.email) == (False, "")


def test_user_names_are_nobody_elses(viewer: User) -> None:
    assert come(preferred_username="VIEWER").username == "VIEWER-2"
    assert come(preferred_username="viewer@example.com").username == "viewer-3"
    assert come(preferred_username="Ada Lovelace").username == "Ada-Lovelace"
    assert come(email="grace@corp.test", email_verified="true").username == "grace@corp.test"
    assert come().username == "person"


def test_roles_come_from_nested_claims_and_the_last_administrator_stays(administrator: User) -> None:
    roles: Any = {"boss": "administrator", "*": "viewer"}
    rules = Rules("realm.roles", roles, frozenset())
    ada = come(rules, realm={"roles": ["x", "boss"]})
    assert role_of(ada) == "administrator"
    assert role_of(come(rules, known=ada, realm="odd")) == "viewer"
    assert role_of(come(rules, known=administrator)) == "administrator"
    assert role_of(come(ANY, known=administrator)) == "administrator"


def test_without_local_login_one_administrator_signs_in_by_password(
    settings: Any, administrator: User, viewer: User, as_administrator: Client, as_viewer: Client
) -> None:
    set_up(settings, "https://corp.test", LOCAL_LOGIN=False, BREAK_GLASS_ADMINISTRATOR="administrator")
    page = Client().get("/sign-in").content.decode()
    assert 'name="password"' not in page
    assert 'name="password"' in Client().get("/sign-in?password").content.decode()
    fields = {"login": "administrator", "password": PASSWORD}
    assert Client().post("/sign-in", fields).status_code == 302
    assert Client().post("/sign-in", {**fields, "login": "viewer"}).status_code == 200
    assert AuditEntry.objects.latest("id").changes == {"reason": [None, "passwords are off"]}
    assert as_administrator.get(f"/people/{viewer.pk}/link").status_code == 404
    assert "Change password" not in as_viewer.get("/account").content.decode()
    added = as_administrator.post("/people/add", {"username": "grace", "role": "viewer"})
    assert added["Location"] == "/people"
    User.objects.filter(pk=administrator.pk).update(is_superuser=False)
    assert Client().post("/sign-in", fields).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://corp.test"},
        {"client_id": ""},
        {"role_claim": "groups"},
        {"local_login": False},
        {"local_login": False, "issuer": "", "break_glass": "root"},
    ],
)
def test_settings_that_cannot_work_stop_the_start(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"issuer": "https://corp.test", "client_id": "c", "role_claim": "", "role_map": {}}
    good["domains"] = ["corp.test"]
    check(**good, local_login=True, break_glass="")
    with pytest.raises(ImproperlyConfigured):
        check(**{**good, "local_login": True, "break_glass": "", **wrong})
    with pytest.raises(ImproperlyConfigured):
        read_role_map(["admins=root"])
