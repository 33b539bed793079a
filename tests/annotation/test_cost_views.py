"""The pages of costs and of the scorecard."""

import csv
import io
from decimal import Decimal

import pytest

from tests.annotation.ledger_rows import decided, make_call, make_draft_run, make_prompt
from tests.annotation.test_draft_views import HOSTILE, page  # noqa: F401
from tests.builders import make_source

pytestmark = pytest.mark.django_db
COSTS, CARD = "/drafting/costs/", "/drafting/scorecard/"


def test_without_calls_the_pages_say_what_to_do(page):  # noqa: F811
    assert "Nothing was sent yet" in page.get(COSTS).text
    assert "Nothing to compare yet" in page.get(CARD).text


def test_costs_are_shown_with_their_currency_and_the_unknown_as_unknown(page):  # noqa: F811
    make_call(make_draft_run(make_source(name="弱智吧")), cost=Decimal("1.25"))
    make_call(make_draft_run(currency="USD", model_names=["m-2"]), cost=Decimal("0.0031"))
    make_call(make_draft_run(currency="", model_names=["m-3"]), cost=None)
    text = page.get(COSTS).text
    assert "¥1.25 + $0.0031" in text
    assert "and 1 call of unknown price" in text
    assert "price unknown" in text
    assert text.count('role="img"') == 2  # a chart per currency
    assert text.count("<details") == 1


def test_the_file_of_costs_holds_no_formula(page):  # noqa: F811
    make_call(make_draft_run(make_source(name="=HYPERLINK(1)")), cost=Decimal("1.25"), model="+m")
    answer = page.get(COSTS + "?format=csv")
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["month"], row["source"], row["model"], row["cost"], row["currency"]) for row in rows] == [
        ("2026-03", "'=HYPERLINK(1)", "'+m", "1.250000", "CNY")
    ]


def test_the_scorecard_shows_shares_reasons_and_that_few_say_little(page, admin):  # noqa: F811
    run = make_draft_run(make_source(name=HOSTILE), make_prompt("reply_0001"))
    for _ in range(3):
        decided(run, admin, "accept", seconds=5)
    decided(run, admin, "reject", reasons=["missed_joke"], seconds=9)
    text = page.get(CARD).text
    assert "75%" in text
    assert "25%" in text
    assert "Missed the joke 1" in text
    assert '<span class="tag warn">few</span>' in text
    assert "¥0.0133" in text
    assert "<script>alert" not in text


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_other_languages_render(page, admin, language):  # noqa: F811
    decided(make_draft_run(), admin, "accept")
    page.cookies["django_language"] = language
    for url, word in ((COSTS, "费用" if language == "zh-hans" else "費用"), (CARD, "成绩" if language == "zh-hans" else "成績")):
        assert word in page.get(url).text
