"""One's own account by the API: tokens and sessions, and what a token may not do for its person."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import remembering, second_factor, tokens
from accounts.models import ApiToken, AuditEntry, Session
from tests.accounts.test_people import is_signed_in, sign_in
from tests.accounts.test_second_factor import clock, switch_on  # noqa: F401
from tests.accounts.test_tokens import ask

pytestmark = pytest.mark.django_db
V1 = "/api/v1"
TOKENS, SESSIONS = f"{V1}/me/tokens/", f"{V1}/me/sessions/"


def with_token(person, scope: str = "manage", lives: timedelta | None = None) -> APIClient:
    client = APIClient(raise_request_exception=False)
    secret = tokens.issue(person, name="script", scope=scope, lives=lives, by=person)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def in_browser(person) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_login(person)
    return client


def refused(answer) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


class TestTokens:
    def test_the_secret_is_in_the_answer_that_makes_it_and_nowhere_else(self, reviewer):
        api = with_token(reviewer)
        made = api.post(TOKENS, {"name": "导出", "scope": "review", "days": 30}, format="json")
        secret = made.json()["secret"]
        assert (made.status_code, made["Cache-Control"], made.json()["scope"]) == (201, "no-store", "review")
        assert ask(secret).json()["username"] == "reviewer"
        listed = api.get(TOKENS)
        assert [row["name"] for row in listed.json()["results"]] == ["导出", "script"]
        assert secret not in listed.content.decode() + str(list(AuditEntry.objects.values()))
        assert ApiToken.digest_of(secret) not in listed.content.decode()
        row = ApiToken.objects.get(pk=made.json()["id"])
        assert timedelta(days=29) < row.expires_at - timezone.now() < timedelta(days=31)
        assert AuditEntry.objects.latest("pk").action == "token_made"

    def test_what_is_left_out_is_the_least(self, reviewer):
        made = with_token(reviewer).post(TOKENS, {"name": "x"}, format="json").json()
        assert made["scope"] == "read"
        assert ask(made["secret"]).status_code == 200

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": "a\0b"}, "name"), ({"name": 5}, "name"),
            ({"name": "x", "scope": "root"}, "scope"), ({"name": "x", "scope": None}, "scope"), ({"name": "x", "scope": "review"}, "scope"),
            ({"name": "x", "days": 8}, "days"), ({"name": "x", "days": "30"}, "days"), ({"name": "x", "days": True}, "days"),
            ({"name": "x", "days": 10**9}, "days"),
        ],
    )  # fmt: skip
    def test_one_that_makes_no_sense_is_none(self, viewer, wrong, field):
        answer = with_token(viewer).post(TOKENS, wrong, format="json")
        assert refused(answer) == (400, "invalid")
        assert list(answer.json()["errors"]) == [field]
        assert ApiToken.objects.count() == 1

    def test_the_same_key_makes_one_and_its_secret_is_kept_nowhere(self, reviewer):
        api, key = with_token(reviewer), {"Idempotency-Key": str(uuid.uuid4())}
        answers = [api.post(TOKENS, {"name": "x"}, format="json", headers=key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 409]
        assert refused(answers[1]) == (409, "shown_once")
        assert ApiToken.objects.filter(name="x").count() == 1
        kept = [remembering.ask("get", name) for name in remembering.ask("keys", "key:*")]
        assert kept
        assert not [text for text in kept if answers[0].json()["secret"] in str(text)]
        wrong = {"Idempotency-Key": str(uuid.uuid4())}
        assert {api.post(TOKENS, {}, format="json", headers=wrong).status_code for _ in range(2)} == {400}

    def test_a_token_makes_none_that_lives_longer_than_itself(self, reviewer):
        api = with_token(reviewer, lives=timedelta(days=40))
        assert refused(api.post(TOKENS, {"name": "x", "days": 90}, format="json")) == (403, "outlives_token")
        assert api.post(TOKENS, {"name": "x", "days": 30}, format="json").status_code == 201

    def test_nor_one_that_is_for_more(self, reviewer):
        through, _secret = ApiToken.issue(reviewer, "script", scope="review")
        with pytest.raises(tokens.Refused) as error:
            tokens.issue(reviewer, name="x", scope="manage", lives=timedelta(days=1), by=reviewer, through=through)
        assert (error.value.code, ApiToken.objects.count()) == ("narrow_token", 1)

    @pytest.mark.parametrize(("scope", "code"), [("read", "read_only_token"), ("review", "narrow_token")])
    def test_a_narrow_token_changes_nothing_of_the_account(self, admin, scope, code):
        theirs, _secret = ApiToken.issue(admin, "other")
        api = with_token(admin, scope)
        assert refused(api.post(TOKENS, {"name": "x", "scope": "read", "days": 7}, format="json")) == (403, code)
        assert refused(api.delete(f"{TOKENS}{theirs.pk}/")) == (403, code)
        assert refused(api.post(f"{SESSIONS}end/", {}, format="json")) == (403, code)
        assert api.get(TOKENS).status_code == 200
        assert ApiToken.objects.usable().count() == 2

    def test_it_is_revoked_once_and_only_by_its_person(self, reviewer, viewer):
        token, secret = ApiToken.issue(reviewer, "script")
        assert refused(with_token(viewer).delete(f"{TOKENS}{token.pk}/")) == (404, "not_found")
        assert ask(secret).status_code == 200
        api = with_token(reviewer)
        assert [api.delete(f"{TOKENS}{token.pk}/").status_code for _ in range(2)] == [204, 204]
        assert ask(secret).status_code == 401
        assert AuditEntry.objects.filter(action="token_revoked").count() == 1

    def test_nobody_sees_those_of_others(self, reviewer, viewer):
        ApiToken.issue(reviewer, "secret plan")
        assert [row["name"] for row in with_token(viewer).get(TOKENS).json()["results"]] == ["script"]

    def test_a_second_factor_is_not_gone_around_by_a_token(self, reviewer, clock):  # noqa: F811
        switch_on(reviewer, clock)
        assert second_factor.is_on(reviewer)
        api = with_token(reviewer)
        assert refused(api.post(TOKENS, {"name": "x", "days": 7}, format="json")) == (403, "second_factor_needed")
        assert api.delete(f"{TOKENS}{reviewer.tokens.get().pk}/").status_code == 204, "to close is safe"
        assert in_browser(reviewer).post(TOKENS, {"name": "x"}, format="json").status_code == 201

    def test_where_it_is_demanded_of_admins_neither(self, admin, lead, settings):
        settings.REQUIRE_TOTP = True
        assert refused(with_token(admin).post(TOKENS, {"name": "x"}, format="json")) == (403, "second_factor_needed")
        assert in_browser(admin).post(TOKENS, {"name": "x"}, format="json").status_code == 401, "a session without one is none"
        assert with_token(lead).post(TOKENS, {"name": "x"}, format="json").status_code == 201


class TestSessions:
    def test_they_are_listed_without_their_keys_and_the_one_that_asks_is_marked(self, reviewer, client_of):
        here, there = client_of(), client_of()
        sign_in(there, "reviewer")
        sign_in(here, "reviewer")
        answer = here.get(SESSIONS)
        rows = answer.json()["results"]
        assert [row["is_here"] for row in rows] == [True, False]
        assert not [row for row in Session.objects.all() if row.session_key in answer.content.decode()]
        assert {row["is_here"] for row in with_token(reviewer).get(SESSIONS).json()["results"]} == {False}

    def test_one_is_ended_by_its_handle_and_twice_is_once(self, reviewer, admin, client_of):
        mine, theirs = client_of(), client_of()
        sign_in(mine, "reviewer")
        sign_in(theirs, "admin")
        api, handles = with_token(reviewer), {row.user_id: row.handle for row in Session.objects.all()}
        end = lambda handle: api.post(f"{SESSIONS}end/", {"session": handle}, format="json").json()  # noqa: E731
        assert end(handles[admin.pk]) == {"ended": 0}, "nobody else's"
        assert [end(handles[reviewer.pk]), end(handles[reviewer.pk])] == [{"ended": 1}, {"ended": 0}]
        assert (is_signed_in(mine), is_signed_in(theirs)) == (False, True)

    def test_all_are_ended_but_the_one_that_asks_and_a_token_is_none_of_them(self, reviewer, client_of):
        here, there = client_of(), client_of()
        sign_in(here, "reviewer")
        sign_in(there, "reviewer")
        assert here.post(f"{SESSIONS}end/", {}, content_type="application/json").json() == {"ended": 1}
        assert (is_signed_in(here), is_signed_in(there)) == (True, False)
        api = with_token(reviewer)
        api.cookies = here.cookies
        assert api.post(f"{SESSIONS}end/", {}, format="json").json() == {"ended": 1}
        assert not is_signed_in(here)

    @pytest.mark.parametrize("wrong", [{"session": ""}, {"session": 5}, {"session": ["x"]}, {"session": "x" * 65}, [], "all"])
    def test_what_names_no_session_ends_none(self, reviewer, client_of, wrong):
        browser = client_of()
        sign_in(browser, "reviewer")
        assert refused(with_token(reviewer).post(f"{SESSIONS}end/", wrong, format="json")) == (400, "invalid")
        assert is_signed_in(browser)


def test_a_stranger_gets_nowhere(db):
    for address in (TOKENS, SESSIONS):
        assert APIClient().get(address).status_code == 401
