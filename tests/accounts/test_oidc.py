"""Single sign-on, against a provider that answers as it should, and against one that lies."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.models import Identity, User
from tests.accounts.sso_provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings, reviewer):
    User.objects.filter(pk=reviewer.pk).update(email="Reviewer@example.org")
    found = Provider()
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = found.issuer, CLIENT, SECRET
    settings.OIDC_NAME = "大学统一认证"
    yield found
    found.stop()


def go(client, provider: Provider, to: str = "/datasets/"):
    """There and back. Gives the answer to coming back."""
    there = client.get("/accounts/sso/", {"next": to}).headers["Location"]
    return client.get("/accounts/sso/back/", provider.authorize(there))


def is_signed_in(client) -> bool:
    return client.get("/accounts/me/").status_code == 200


def test_who_is_known_by_a_verified_address_is_signed_in_and_led_on(client, provider, reviewer):
    assert "大学统一认证" in client.get("/accounts/login/").content.decode()
    assert go(client, provider).headers["Location"] == "/datasets/"
    assert is_signed_in(client)
    assert Identity.objects.get().person == reviewer


def test_later_it_is_the_providers_own_word_that_counts(client, provider, reviewer):
    go(client, provider)
    provider.claims = {"sub": "u-1", "email": "married@example.org", "email_verified": False}
    client.logout()
    go(client, provider)
    assert is_signed_in(client)
    provider.claims = {"sub": "u-2", "email": "married@example.org", "email_verified": True}
    client.logout()
    go(client, provider)
    assert not is_signed_in(client)


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email_verified": "true"}, {"email": "nobody@example.org"}, {"email": ""}])
def test_a_stranger_gets_no_account(client, provider, claims):
    provider.claims |= claims
    assert go(client, provider).headers["Location"] == "/accounts/login/"
    assert not is_signed_in(client)
    assert User.objects.count() == 1


def test_a_disabled_person_stays_out(client, provider, reviewer):
    go(client, provider)
    User.objects.filter(pk=reviewer.pk).update(is_active=False)
    client.logout()
    go(client, provider)
    assert not is_signed_in(client)


LIES = {
    "for somebody else": {"aud": "another"},
    "of somebody else": {"iss": "https://evil.example"},
    "of yesterday": {"exp": int(time.time()) - 3600},
    "of another sign-in": {"nonce": "another"},
    "for ever": {"exp": "never"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is(client, provider, lie):
    provider.lies = LIES[lie]
    go(client, provider)
    assert not is_signed_in(client)


def test_a_token_under_another_key_or_under_the_shared_secret_is_not_trusted(client, provider):
    provider.other_key = rsa.generate_private_key(65537, 2048)
    go(client, provider)
    assert not is_signed_in(client)
    provider.algorithm = "HS256"
    go(client, provider)
    assert not is_signed_in(client)


def test_a_way_back_that_did_not_begin_here_leads_nowhere(client, provider, client_of):
    there = client.get("/accounts/sso/").headers["Location"]
    answer = provider.authorize(there)
    assert client_of().get("/accounts/sso/back/", answer).headers["Location"] == "/accounts/login/"
    assert client.get("/accounts/sso/back/", answer | {"state": "forged"}).headers["Location"] == "/accounts/login/"
    assert client.get("/accounts/sso/back/", answer).headers["Location"] == "/accounts/login/", "a try counts once"
    assert not is_signed_in(client)


def test_it_never_leads_away(client, provider):
    assert go(client, provider, "https://evil.example/").headers["Location"] == "/"


def test_a_provider_that_is_down_is_said_to_be(client, provider):
    provider.is_down = True
    page = client.get("/accounts/sso/", follow=True, headers={"accept-language": "en"}).content.decode()
    assert "does not answer" in page


def test_without_a_provider_there_is_no_such_page(client, settings):
    assert client.get("/accounts/sso/").status_code == 404
    assert client.get("/accounts/sso/back/").status_code == 404
