"""How often one may try, at every door, and from where a request comes."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts import limits
from accounts.models import ApiToken, Failure

PASSWORD = "a long enough pass"


def guess(name: str = "reviewer", *, password: str = "x", address: str = "203.0.113.1", door: str = "/accounts/login/") -> int:  # noqa: S107
    return Client().post(door, {"username": name, "password": password}, REMOTE_ADDR=address).status_code


@pytest.mark.django_db
def test_many_names_from_one_address_are_closed(make_user, reviewer):
    limit = limits.LIMITS[limits.PASSWORD].address
    assert {guess(f"name {n}") for n in range(limit - 1)} == {200}
    assert guess("one more") == 429
    assert guess(password=PASSWORD) == 429
    assert guess(password=PASSWORD, address="203.0.113.2") == 302


@pytest.mark.django_db
def test_one_name_from_many_addresses_is_closed_late(reviewer):
    limit = limits.LIMITS[limits.PASSWORD].name
    for n in range(limit - 1):
        limits.note(limits.PASSWORD, name="Reviewer", address=f"198.51.100.{n % 200}")
    assert guess(address="203.0.113.7") == 429, "the last one"
    assert guess(password=PASSWORD, address="203.0.113.8") == 429


@pytest.mark.django_db
def test_a_right_password_starts_anew(reviewer):
    for _ in range(3):
        assert [guess() for _ in range(limits.LIMITS[limits.PASSWORD].both - 1)][-1] == 200
        assert guess(password=PASSWORD) == 302


@pytest.mark.django_db
def test_it_opens_again_by_itself(reviewer):
    for _ in range(limits.LIMITS[limits.PASSWORD].both):
        guess()
    assert guess(password=PASSWORD) == 429
    Failure.objects.update(at=Failure.objects.earliest("at").at - limits.WINDOW)
    assert guess(password=PASSWORD) == 302


@pytest.mark.django_db
def test_without_a_broker_it_is_the_same(reviewer, settings):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert [guess() for _ in range(limits.LIMITS[limits.PASSWORD].both)][-1] == 429


@pytest.mark.django_db
def test_what_was_typed_as_a_name_is_not_kept(reviewer):
    guess("my password by mistake")
    assert "mistake" not in str(list(Failure.objects.values()))


@pytest.mark.django_db
def test_wrong_tokens_are_closed_and_right_ones_are_not(reviewer):
    secret = ApiToken.issue(reviewer, "script")[1]

    def ask(token: str):
        return APIClient().get("/api/v1/me/", headers={"authorization": f"Bearer {token}"}, REMOTE_ADDR="203.0.113.1")

    limit = limits.LIMITS[limits.TOKEN].address
    assert {ask(f"zm_{n}").status_code for n in range(limit)} == {401}
    last = ask("zm_more")
    assert (last.status_code, last.headers["Content-Type"], int(last.headers["Retry-After"])) == (429, "application/problem+json", 360)
    assert ask(secret).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "address"),
    [
        ([], "203.0.113.1", "198.51.100.7", "203.0.113.1"),
        (["10.0.0.0/8"], "203.0.113.1", "198.51.100.7", "203.0.113.1"),
        (["10.0.0.0/8"], "10.1.2.3", "198.51.100.7", "198.51.100.7"),
        (["10.0.0.0/8"], "10.1.2.3", "6.6.6.6, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        (["10.0.0.0/8"], "10.1.2.3", "", "10.1.2.3"),
        (["10.0.0.0/8"], "10.1.2.3", "rubbish", None),
        (["unix"], "", "198.51.100.7", "198.51.100.7"),
        ([], "", "198.51.100.7", None),
        (["::1"], "::1", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_only_a_proxy_of_ours_says_who_comes(rf, settings, proxies, remote, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    assert limits.address_of(rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)) == address
