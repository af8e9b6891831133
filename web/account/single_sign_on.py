"""Signing in through the identity provider: there and back. allauth speaks OpenID Connect.

It leaves signatures, the issuer and userinfo to TLS; here they are checked. people.single_sign_on decides who may come.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import jwt
import structlog
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException

from audit.models import Verb
from audit.record import record
from people.single_sign_on import STATES_TIME, NotAdmitted, person_of, rules_of_settings, states_time

log: Final = structlog.get_logger(__name__)

# allauth's name of the provider, which stands in the address to which it sends people back.
PROVIDER_ID: Final = "sso"
# What reading a token raises that somebody made up.
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)
# Signatures by a private key. With a shared secret, everybody who knows it could sign.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
# The provider's word for somebody who turned back there.
_CANCELLED: Final = "access_denied"
_NOT_ACCEPTED: Final = "The answer of the provider was not accepted. Try again."
# Of the claims only these are kept: who it was.
_KEPT: Final = ("iss", "sub", "preferred_username", "email")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the provider. `again`: to give the password there once more, which it has to state (`auth_time`).

    Any other sign-in names an age, too, so that a provider that can state the time does: see decision 0041.
    By a page that goes on by itself: a browser lets no form lead to another site, as the CSP says.
    """
    if request.method != "POST":
        # The address of the page on the way: somebody came back to it, or opened it.
        return redirect("account_login")
    if not settings.OIDC_ISSUER:
        raise Http404
    provider = get_adapter(request).get_provider(request, PROVIDER_ID)
    further = {"max_age": str(settings.SESSION_COOKIE_AGE)}
    if "again" in request.POST:
        further = {"prompt": "login", "max_age": "0"}
    # Kept here, not shown to the browser: who was signed in, and shall confirm that it is them.
    reader = request.user.pk if "again" in request.POST else None
    try:
        next_url = get_next_redirect_url(request)
        away = provider.redirect(request, process="login", next_url=next_url, data=reader, auth_params=further)
    except (RequestException, *_MALFORMED) as error:
        log.warning("identity_provider_unavailable", exception=str(error))
        return _refusal(request, f"{settings.OIDC_NAME} does not answer. Try again later.", 503)
    return render(request, "account/sso_leave.html", {"url": away["Location"], "name": settings.OIDC_NAME})


@require_safe
@never_cache
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take who comes back from the provider. State and code work once, PKCE binds them to this session."""
    if not settings.OIDC_ISSUER:
        raise Http404
    view = OAuth2CallbackView.adapter_view(VerifyingAdapter(request, provider_id))
    try:
        response: HttpResponse = view(request)
    except (OAuth2Error, RequestException, *_MALFORMED) as error:
        # Of the provider's own description, which allauth reads before it catches anything.
        log.warning("single_sign_on_failed", exception=str(error)[:500])
        return _refusal(request, _NOT_ACCEPTED, 401)
    return response


class VerifyingAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        if str(config.get("issuer")).rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
            raise OAuth2Error("The provider calls itself by another issuer than OIDC_ISSUER.")
        return config

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **options: Any) -> SocialLogin:
        """Return who signs in. Raises OAuth2Error for a token that is not of the provider, for us and for now."""
        try:
            self._verify(options["response"]["id_token"], app.client_id)
            login = super().complete_login(request, app, token, **options)
            userinfo, id_token = (login.account.extra_data[name] for name in ("userinfo", "id_token"))
            if userinfo["sub"] != id_token["sub"]:
                raise OAuth2Error("The provider's userinfo is about somebody else.")
            login.claims = {**userinfo, **id_token}
            login.account.uid = identity_of(login.claims)
            login.auth_time = id_token.get("auth_time")
        except (jwt.PyJWTError, *_MALFORMED) as error:
            raise OAuth2Error(f"The provider sent a wrong token: {error!r}") from error
        login.account.extra_data = {name: login.claims[name] for name in _KEPT if name in login.claims}
        known = SocialAccount.objects.filter(provider=login.account.provider, uid=login.account.uid)
        # Once true, always true: who may change the request could make the provider leave the time out.
        login.account.extra_data[STATES_TIME] = login.auth_time is not None or states_time(known)
        return login

    def _verify(self, id_token: str, audience: str) -> None:
        """Check the signature and what is signed. A token that names no key may be of any that the provider has."""
        with get_adapter().get_requests_session() as session:
            keys = jwt.PyJWKSet.from_dict(session.get(self.openid_config["jwks_uri"]).json()).keys
        named = jwt.get_unverified_header(id_token).get("kid")
        wrong: Exception = OAuth2Error("The provider has no such key.")
        for key in keys:
            if named in (None, key.key_id):
                try:
                    jwt.decode(
                        id_token,
                        key,
                        algorithms=_ALGORITHMS,
                        audience=audience,
                        issuer=self.openid_config["issuer"],
                        options={"require": ["exp", "iat", "sub"]},
                    )
                except jwt.PyJWTError as error:
                    wrong = error
                else:
                    return
        raise wrong


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Decide who signs in, once the token is checked. Refuses with a page."""
        known = sociallogin.user if sociallogin.is_existing else None
        claims, rules = sociallogin.claims, rules_of_settings()
        try:
            with transaction.atomic():
                person = person_of(known=known, claims=claims, rules=rules, now=timezone.now())
                if known is None:
                    sociallogin.account.user = person
                    sociallogin.account.save()
        except NotAdmitted as error:
            record(Verb.SIGN_IN_REFUSED, known or _stranger(claims), {"reason": (None, str(error))})
            raise ImmediateHttpResponse(_refusal(request, str(error), 403)) from error
        sociallogin.user = person

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002 - allauth's
        """Refuse allauth's sign-up: `pre_social_login` adds people."""
        return False

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,  # noqa: ARG002 - allauth's signature
        error: Any = None,
        exception: Any = None,
        **_options: Any,
    ) -> None:
        log.warning("single_sign_on_failed", error=str(error), exception=str(exception or "")[:500])
        is_cancelled = request.GET.get("error") == _CANCELLED
        words = "You cancelled it there." if is_cancelled else _NOT_ACCEPTED
        raise ImmediateHttpResponse(_refusal(request, words, 401))


def _stranger(claims: Mapping[str, Any]) -> User:
    """Return a user who is not stored, named as the provider names who came: `ada at Corp ID`."""
    named = next((claims[name] for name in ("preferred_username", "email", "sub") if claims.get(name)), "unknown")
    return User(username=f"{named} at {settings.OIDC_NAME}")


def identity_of(claims: Mapping[str, Any]) -> str:
    """Return a text for issuer and subject: an equal subject of another issuer is somebody else."""
    return hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()


def _refusal(request: HttpRequest, words: str, status: int) -> HttpResponse:
    return render(request, "account/sso_refused.html", {"words": words}, status=status)
