"""The second factor: codes of an app and backup codes, for whom it is on, and where the settings demand it."""

import re
import time

import pyotp
import pytest
from django.core.management import call_command

from accounts import limits, second_factor, signing_in
from accounts.models import AuditEntry, Authenticator, BackupCode

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough pass"
STEP = second_factor.STEP


@pytest.fixture
def clock(monkeypatch):
    """A time that stands still until it is moved."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(second_factor.time, "time", lambda: now[0])
    return now


def sign_in(client, name: str = "admin"):
    return client.post("/accounts/login/", {"username": name, "password": PASSWORD, "next": "/datasets/"})


def is_signed_in(client) -> bool:
    return client.get("/accounts/me/").status_code == 200


def switch_on(person, clock) -> tuple[pyotp.TOTP, list[str]]:
    app = pyotp.TOTP(second_factor.begin(person))
    codes = second_factor.confirm(person, app.at(clock[0]))
    clock[0] += STEP
    return app, codes


def test_it_is_switched_on_by_the_code_of_the_app_that_read_the_picture(client, admin, clock):
    client.force_login(admin)
    page = client.get("/accounts/me/factor/").content.decode()
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    picture = client.get("/accounts/me/factor/picture.svg")
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert b"<path" in picture.content
    assert client.post("/accounts/me/factor/", {"code": "000000"}).status_code == 400
    page = client.post("/accounts/me/factor/", {"code": pyotp.TOTP(secret).at(clock[0])}).content.decode()
    assert len(re.findall(r"<li>\w{4}-\w{4}-\w{4}-\w{4}</li>", page)) == 10
    assert client.get("/accounts/me/factor/picture.svg").status_code == 404, "shown until it is on, and never again"
    assert AuditEntry.objects.get().action == "second_factor_on"


def test_the_database_knows_neither_the_secret_nor_the_codes(admin, clock):
    secret = second_factor.begin(admin)
    _app, codes = switch_on(admin, clock)
    kept = str(list(Authenticator.objects.values())) + str(list(BackupCode.objects.values()))
    assert not [text for text in [secret, *codes, codes[0].replace("-", "")] if text in kept]


def test_a_password_alone_gets_nobody_in_then(client, admin, clock):
    app, _codes = switch_on(admin, clock)
    assert sign_in(client).headers["Location"] == "/accounts/code/"
    assert not is_signed_in(client)
    assert client.post("/accounts/code/", {"code": "000000"}).status_code == 200
    assert not is_signed_in(client)
    assert client.post("/accounts/code/", {"code": app.at(clock[0])}).headers["Location"] == "/datasets/"
    assert is_signed_in(client)


def test_nor_at_the_door_of_the_admin_site(client, admin, clock):
    switch_on(admin, clock)
    client.post("/admin/login/", {"username": "admin", "password": PASSWORD})
    assert client.get("/admin/").status_code == 302


def test_a_code_counts_once_and_for_a_short_while(admin, clock):
    app, _codes = switch_on(admin, clock)
    now = app.at(clock[0])
    assert second_factor.check(admin, now)
    assert not second_factor.check(admin, now), "read over the shoulder, it is worth nothing"
    clock[0] += 10 * STEP
    assert not second_factor.check(admin, app.at(clock[0] - 3 * STEP))
    assert second_factor.check(admin, app.at(clock[0] - STEP))


def test_a_backup_code_counts_once(client, admin, clock):
    _app, codes = switch_on(admin, clock)
    assert second_factor.check(admin, codes[3].upper())
    assert not second_factor.check(admin, codes[3])
    assert second_factor.check(admin, codes[4].replace("-", ""))


def test_guessing_codes_is_closed_soon(client, admin, clock):
    app, _codes = switch_on(admin, clock)
    sign_in(client)
    said = [client.post("/accounts/code/", {"code": f"{n:06}"}).status_code for n in range(limits.LIMITS[limits.CODE].both + 1)]
    assert said[-2:] == [200, 429]
    assert client.post("/accounts/code/", {"code": app.at(clock[0])}).status_code == 429
    assert not is_signed_in(client)


def test_the_step_between_does_not_last(client, admin, clock, monkeypatch):
    app, _codes = switch_on(admin, clock)
    sign_in(client)
    later = time.time() + signing_in.PATIENCE + 1
    monkeypatch.setattr(signing_in.time, "time", lambda: later)
    assert client.post("/accounts/code/", {"code": app.at(later)}).headers["Location"] == "/accounts/login/"


def test_it_is_switched_off_by_the_password_and_by_an_admin(client, admin, reviewer, clock):
    for person in (admin, reviewer):
        switch_on(person, clock)
    client.force_login(admin)
    client.post("/accounts/me/factor/off/", {"password": "wrong"})
    assert second_factor.is_on(admin)
    client.post("/accounts/me/factor/off/", {"password": PASSWORD})
    client.post(f"/accounts/people/{reviewer.pk}/factor-off/")
    assert not Authenticator.objects.exists()


def test_the_command_lets_in_who_has_lost_the_phone(admin, clock, capsys):
    switch_on(admin, clock)
    call_command("reset_password", "admin", second_factor_off=True)
    assert not second_factor.is_on(admin)


class TestDemanded:
    @pytest.fixture(autouse=True)
    def demanded(self, settings):
        settings.REQUIRE_TOTP = True

    def test_an_admin_sets_it_up_before_anything_else(self, client, admin, clock):
        assert sign_in(client).headers["Location"] == "/accounts/enrol/"
        assert not is_signed_in(client)
        secret = re.search(r'class="secret">([A-Z2-7 ]+)<', client.get("/accounts/enrol/").content.decode())[1].replace(" ", "")
        assert client.get("/accounts/me/factor/picture.svg").status_code == 200
        assert "codes" in client.post("/accounts/enrol/", {"code": pyotp.TOTP(secret).at(clock[0])}).content.decode()
        assert is_signed_in(client)

    def test_a_session_from_before_is_none(self, client, admin):
        client.force_login(admin)
        assert client.get("/datasets/").status_code == 302

    def test_of_others_it_is_not(self, client, lead):
        sign_in(client, "lead")
        assert is_signed_in(client)

    def test_it_cannot_be_switched_off(self, client, admin, clock):
        app, _codes = switch_on(admin, clock)
        sign_in(client)
        client.post("/accounts/code/", {"code": app.at(clock[0])})
        client.post("/accounts/me/factor/off/", {"password": PASSWORD})
        assert second_factor.is_on(admin)

    def test_who_was_not_asked_for_a_password_gets_nowhere(self, client):
        for place in ("/accounts/enrol/", "/accounts/code/", "/accounts/me/factor/picture.svg"):
            assert client.get(place).headers["Location"] == "/accounts/login/"


def test_a_key_that_was_replaced_still_opens_what_it_sealed(admin, clock, settings):
    app, _codes = switch_on(admin, clock)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key " * 6, [settings.SECRET_KEY]
    assert second_factor.check(admin, app.at(clock[0]))
    settings.SECRET_KEY_FALLBACKS = []
    clock[0] += STEP
    assert not second_factor.check(admin, app.at(clock[0]))
