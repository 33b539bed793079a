"""The team's numbers: page, files and API."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from annotation import scorecard, team, team_charts, team_costs
from annotation.models import ModelCall, Review
from sources.models import Source
from tests.annotation.ledger_rows import decided, make_draft_run, make_prompt
from tests.builders import make_pair, make_review, make_source

pytestmark = pytest.mark.django_db
PAGE, API = "/team/", "/api/v1/team/"


@pytest.fixture
def page(client, lead):
    client.force_login(lead)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def people(make_user):
    return [make_user("reviewer", name) for name in ("lin", "zhou")]


@pytest.fixture
def ruozhiba(people):
    """40 drafts of m-1 judged by lin (30 accepted, 4 edited, 6 rejected), 2 answers of a source by zhou."""
    run = make_draft_run(make_source("ruozhiba", name="弱智吧"), make_prompt("reply_0001"))
    for n in range(40):
        verdict = "accept" if n < 30 else "edit" if n < 34 else "reject"
        decided(run, people[0], verdict, edited="改过的" if verdict == "edit" else "", seconds=4 if n < 3 else 12 + n % 3)
    other = make_source("zhihu", name="=知乎")
    for seconds in (70, 300):
        make_review(make_pair(other), by=people[1], seconds=seconds)
    return run.source


def all_sources(days: int = 14) -> team.Span:
    return team.Span(days, list(Source.objects.order_by("name")))


def test_the_sums_by_day_person_source_model_and_prompt_all_add_up_to_the_total(ruozhiba, people):
    found = team.figures(all_sources())
    assert (found.total.accepted, found.total.edited, found.total.rejected) == (32, 4, 6)
    by_source = [tally for _source, tally in found.sources]
    for groups in (
        found.days.values(),
        found.people.values(),
        found.people_by_day.values(),
        by_source,
        found.models.values(),
        found.prompts.values(),
    ):
        assert sum(tally.decided for tally in groups) == found.total.decided == 42
    assert list(found.people) == ["lin", "zhou"]
    assert {name: tally.decided for name, tally in found.models.items()} == {"m-1": 40, "": 2}
    assert list(found.models) == ["m-1", ""]
    assert found.people["zhou"].seconds == 185
    assert found.pace == [3, 0, 37, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    assert len(found.days) == 14
    assert found.days[timezone.localdate()].decided == 42


def test_what_was_taken_back_is_not_counted(ruozhiba, people):
    review = Review.objects.filter(by=people[1]).first()
    make_review(review.pair, by=people[1], verdict="undo", undoes=review)
    assert team.figures(all_sources()).people["zhou"].decided == 1


def test_a_span_begins_at_midnight_of_its_first_day(ruozhiba, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "localdate", lambda: timezone.localtime(now).date() + timedelta(days=6))
    assert team.figures(all_sources(7)).total.decided == 42
    monkeypatch.setattr(timezone, "localdate", lambda: timezone.localtime(now).date() + timedelta(days=7))
    assert team.figures(all_sources(7)).total.decided == 0


def test_agreement_is_of_every_two_people_at_one_pair_and_of_the_latest_word_of_each(people, lead):
    pair, other, alone = (make_pair(make_source(), reviews_wanted=3) for _ in range(3))
    make_review(pair, by=people[0], verdict="reject", reasons=["other"])
    for who, verdict in ((people[0], "accept"), (people[1], "edit"), (lead, "reject")):
        make_review(pair, by=who, verdict=verdict, reasons=["other"] if verdict == "reject" else [])
    for who in people:
        make_review(other, by=who)
    make_review(alone, by=lead)
    found = team.figures(all_sources()).agreed
    assert (found.pairs, found.twos, found.same_verdict, found.same_fate) == (2, 4, 1, 2)
    assert found.fate_share == 0.5
    assert team.figures(team.Span(14, [])).agreed.fate_share is None


def test_what_rejected_pairs_cost_is_paid_by_the_accepted_and_an_unknown_price_makes_it_unknown(ruozhiba, people):
    (found,) = [one for one in team_costs.spent(all_sources(), {}) if one.source == ruozhiba]
    assert (found.accepted, found.rejected) == (34, 6)
    assert found.per_accepted == {"CNY": Decimal("0.40") / 34}
    decided(make_draft_run(ruozhiba), people[0], "accept", cost=None)
    (found,) = [one for one in team_costs.spent(all_sources(), {}) if one.source == ruozhiba]
    assert found.per_accepted is None
    assert team_costs.in_all([found, found]).amounts == {"CNY": Decimal("0.80")}


def test_the_scorecard_of_the_span_is_that_of_the_scorecards_page(ruozhiba, people):
    decided(make_draft_run(ruozhiba, make_prompt("reply_0002"), model_names=["m-2"]), people[1], "reject", reasons=["missed_joke", "other"])
    figures = team.figures(all_sources())
    team_costs.spent(all_sources(), figures.scores)
    mine = {(score.model, score.prompt): score for score in figures.scores.values()}
    theirs = {(score.model, score.prompt): score for score in scorecard.scorecard(ModelCall.objects.all())}
    assert mine == theirs
    assert mine["m-1", "reply_0001"].distance == 7
    assert mine["m-2", "reply_0002"].reasons == {"missed_joke": 1, "other": 1}


def test_the_page_shows_shares_except_of_few_and_a_table_behind_each_chart(page, ruozhiba):
    text = page.get(PAGE).text
    assert "76%" in text  # 32 of 42
    assert text.count('role="img"') == 2 + 2 + 2 + 2  # days and seconds; a bar for each source, model and prompt
    assert text.count("<details") == 7
    assert 'aria-label="2 accepted, 0 edited, 0 rejected"' in text
    assert "style=" not in text
    narrowed = page.get(f"{PAGE}?source=ruozhiba&days=7").text
    assert '<option value="ruozhiba" selected>' in narrowed
    assert "team/days.csv?days=7&amp;source=ruozhiba" in narrowed
    assert "zhou" not in narrowed


@pytest.mark.parametrize("query", ["days=15", "days=-1", "days=abc", "source=nothing", "source=%00", "days=7&days=1%27"])
def test_what_is_not_on_offer_is_refused_by_page_file_and_api(page, query):
    for url in (PAGE, "/team/days.csv", API):
        assert page.get(f"{url}?{query}").status_code == 400, url


@pytest.mark.parametrize("name", ["days", "people", "people_by_day", "sources", "models", "prompts", "pace", "costs", "scorecard"])
def test_each_table_is_a_file_without_formulas(page, ruozhiba, name):
    answer = page.get(f"/team/{name}.csv")
    assert f'filename="team-{name}.excel.csv"' in answer["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    if name == "sources":
        assert rows[1:] == [["'=知乎", "2", "2", "0", "0", "185"], ["弱智吧", "40", "30", "4", "6", "13"]]


def test_there_is_no_other_table(page):
    assert page.get("/team/secrets.csv").status_code == 404


def test_the_api_has_the_same_numbers(page, ruozhiba):
    body = page.get(f"{API}?days=30&source=ruozhiba").json()
    assert body["total"] == {"decided": 40, "accepted": 30, "edited": 4, "rejected": 6, "seconds": 13.0}
    assert [row["person"] for row in body["people"]] == ["lin"]
    assert len(body["days"]) == 30
    assert body["models"][0]["model"] == "m-1"
    assert body["pace"][2] == {"seconds": 10, "decided": 37}
    assert body["costs"][0]["per_accepted"] == {"CNY": "0.011765"}


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_only_leads_and_admins_see_the_team(client, make_user, role):
    client.force_login(make_user(role))
    assert [client.get(url).status_code for url in (PAGE, "/team/days.csv", API)] == [403, 403, 403]


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_without_decisions_it_says_so_in_every_language(page, language):
    page.cookies["django_language"] = language
    text = page.get(PAGE).text
    assert ("这段时间没有决定" if language == "zh-hans" else "這段時間沒有決定") in text


def test_the_queries_are_as_many_for_one_decision_as_for_forty(page, ruozhiba, django_assert_max_num_queries):
    with django_assert_max_num_queries(24):
        page.get(PAGE)


def test_bars_reach_what_they_stand_for_and_labels_thin_out():
    chart = team_charts.stacked([(f"day {n}", str(n), (n, 1, 0)) for n in range(40)])
    highest = chart.columns[-1]
    assert sum(part.height for part in highest.parts) == pytest.approx((chart.base - highest.parts[-1].y), abs=2)
    assert [part.colour for part in highest.parts] == ["a", "e"]
    assert chart.ticks[-1][1] >= 40
    assert len([column for column in chart.columns if column.tick]) <= team_charts.TICKS
    assert max(column.x + column.width for column in chart.columns) <= chart.width
    assert team_charts.mix((1, 0, 1)) == [("a", 0.0, 498.0), ("r", 500.0, 498.0)]
    assert team_charts.mix((0, 0, 0)) == []
    assert team_charts.line([0, 5]) == "0.0,20.0 80.0,2.0"
    assert team_charts.middle_at(7.5, (0, 5, 10), chart) < team_charts.middle_at(99, (0, 5, 10), chart)
