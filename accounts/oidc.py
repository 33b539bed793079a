"""Single sign-on by OpenID Connect: the code flow with PKCE, towards the one provider that the settings name.

The provider says who somebody is; whether there is such a person here, and with which role, is said here. Somebody who comes for the
first time is known by an address that the provider has verified, and by the provider's own word for them from then on.
"""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from .models import AuditEntry, Identity, User

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]  # nothing with a shared key
PATIENCE, MUCH = 10, 1_000_000  # seconds, bytes
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Failed(Exception):
    """Nobody is signed in by this, and why, for the person."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


def begin(back: str) -> tuple[str, dict[str, str]]:
    """Where to send the browser, and what to keep in its session meanwhile. Raises Failed."""
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": settings.OIDC_CLIENT_ID, "redirect_uri": back, "scope": "openid email profile",
        "state": kept["state"], "nonce": kept["nonce"], "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    there = _vetted(_discovered()["authorization_endpoint"])
    return f"{there}{'&' if '?' in there else '?'}{urlencode(query)}", kept


def finish(asked: dict[str, str], kept: dict[str, str], back: str) -> User:
    """Who came back from there. Raises Failed."""
    if not kept or not secrets.compare_digest(asked.get("state", "").encode(), kept["state"].encode()) or "code" not in asked:
        raise Failed(_("The sign-in was broken off. Try it once more."))
    known = _discovered()
    form = {"grant_type": "authorization_code", "code": asked["code"], "redirect_uri": back, "code_verifier": kept["verifier"]}
    said = _ask(known["token_endpoint"], form)
    return person_of(_read(str(said.get("id_token", "")), known["jwks_uri"], kept["nonce"]))


def person_of(claims: dict[str, Any]) -> User:
    """The person whom these claims mean. Raises Failed for a stranger, and for the disabled."""
    found = Identity.objects.select_related("person").filter(issuer=settings.OIDC_ISSUER, subject=claims["sub"]).first()
    person = found.person if found else _by_address(claims)
    if person is None or not person.is_active:
        raise Failed(_("There is no account for you here. Ask an admin for an invitation."))
    if not found:
        with transaction.atomic():
            Identity.objects.create(person=person, issuer=settings.OIDC_ISSUER, subject=claims["sub"])
            AuditEntry.objects.create(by=person, action="identity_linked", subject=f"person {person}"[:200])
    return person


def _by_address(claims: dict[str, Any]) -> User | None:
    if claims.get("email_verified") is not True or not claims.get("email"):
        return None
    found = list(User.objects.filter(email__iexact=str(claims["email"]))[:2])
    return found[0] if len(found) == 1 else None


def _read(token: str, keys: str, nonce: str) -> dict[str, Any]:
    """The claims of a token that the provider has signed, for us, now, and for this very sign-in."""
    try:
        wanted = jwt.get_unverified_header(token).get("kid")
        found = [key for key in jwt.PyJWKSet.from_dict(_ask(keys)).keys if wanted in (None, key.key_id)]
        if not found:
            raise jwt.InvalidKeyError
        said: dict[str, Any] = jwt.decode(
            token, found[0], algorithms=ALGORITHMS, audience=settings.OIDC_CLIENT_ID, issuer=settings.OIDC_ISSUER, leeway=60,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )  # fmt: skip
    except jwt.PyJWTError:
        raise Failed(_("The other side's answer could not be trusted.")) from None
    if not secrets.compare_digest(str(said.get("nonce", "")).encode(), nonce.encode()):
        raise Failed(_("The other side's answer could not be trusted."))
    return said


def _discovered() -> dict[str, Any]:
    found = _ask(f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != settings.OIDC_ISSUER:
        raise Failed(_("The other side's answer could not be trusted."))
    return found


def _ask(url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON that lies there; with a form, what it is answered with, to us as the client. Raises Failed."""
    request = Request(_vetted(url), data=urlencode(form).encode() if form else None, headers={"Accept": "application/json"})  # noqa: S310
    if form:
        client = f"{quote(settings.OIDC_CLIENT_ID, safe='')}:{quote(settings.OIDC_CLIENT_SECRET, safe='')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(client.encode()).decode()}")
    try:
        with build_opener(_NoRedirects).open(request, timeout=PATIENCE) as answer:
            said = json.loads(answer.read(MUCH))
    except (URLError, OSError, ValueError):
        raise Failed(_("The other side does not answer. Sign in with your password, or try later.")) from None
    if not isinstance(said, dict):
        raise Failed(_("The other side's answer could not be trusted."))
    return said


def _vetted(url: str) -> str:
    """Over TLS, or on this machine."""
    parts = urlsplit(str(url))
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Failed(_("The other side's answer could not be trusted."))
    return str(url)
