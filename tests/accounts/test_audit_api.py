"""The audit log by the API: the filters of the page, page by page."""

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from tests.accounts.test_own_api import V1, refused, with_token

AUDIT = f"{V1}/audit/"


@pytest.fixture
def api(admin, lead):
    client = with_token(admin)  # an entry of its own
    AuditEntry.objects.create(by=lead, action="source_changed", subject="source 弱智吧", detail={"licence": ["", "CC0"]})
    AuditEntry.objects.create(by=None, action="version_pushed", subject="dataset demo")
    return client


@pytest.mark.django_db
def test_it_is_filtered_by_person_action_subject_and_day(api):
    today = timezone.localdate().isoformat()
    asked = ["", "?by=lead", "?by=-", "?action=version_pushed", "?about=弱智", f"?since={today}", "?until=2020-01-01"]
    found = {query: [row["action"] for row in api.get(AUDIT + query).json()["results"]] for query in asked}
    assert found == {
        "": ["version_pushed", "source_changed", "token_made"], "?by=lead": ["source_changed"], "?by=-": ["version_pushed"],
        "?action=version_pushed": ["version_pushed"], "?about=弱智": ["source_changed"],
        f"?since={today}": ["version_pushed", "source_changed", "token_made"], "?until=2020-01-01": [],
    }  # fmt: skip


@pytest.mark.django_db
def test_it_goes_by_pages_the_newest_first_and_none_comes_twice(api):
    for n in range(5):
        AuditEntry.objects.create(by=None, action="list_added", subject=f"list {n}")
    page, seen = api.get(f"{AUDIT}?page_size=3").json(), []
    while True:
        seen += [row["id"] for row in page["results"]]
        if not page["next"]:
            break
        AuditEntry.objects.create(by=None, action="list_added", subject="meanwhile")
        page = api.get(page["next"]).json()
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen, reverse=True)


@pytest.mark.django_db(transaction=True)
def test_each_has_its_place_in_the_chain(api):
    rows = api.get(AUDIT, headers={"accept-language": "en"}).json()["results"]
    assert [row["position"] for row in rows] == [3, 2, 1]
    assert all(len(row["digest"]) == 64 for row in rows)
    assert (rows[1]["by"], rows[1]["label"], rows[1]["detail"]) == ("lead", "Changed a source", {"licence": ["", "CC0"]})
    assert rows[0]["by"] is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["by=nobody", "by=%00", "action=x", "action=", "since=x", "since=0001-01-01", "until=9999-12-31", "until=", "about=%00", "by="]
)
def test_a_filter_that_is_none_is_400(api, query):
    answer = api.get(f"{AUDIT}?{query}")
    assert refused(answer) == (400, "invalid")
    assert list(answer.json()["errors"]) == [query.split("=")[0]]


@pytest.mark.django_db
def test_nothing_of_it_is_changed_by_the_api(api):
    for method in (api.post, api.put, api.patch, api.delete):
        assert refused(method(AUDIT)) == (405, "method_not_allowed")
