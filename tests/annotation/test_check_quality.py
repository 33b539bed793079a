"""The checks against the texts of our own: each is good enough, or says that it is on trial; and the page about them is in step."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from annotation.checks import CHECKS
from annotation.checks.quality import Quality, cases, judged, of_all
from annotation.wording import LABELS, LOOKS_FOR

CASES = Path(__file__).parent / "check_cases"
FOLDERS = [CASES / "seen", CASES / "held_out"]


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_is_judged_by_enough_different_texts(name):
    every = [case for folder in FOLDERS for case in cases(folder, name)]
    assert len({repr(case.texts) for case in every}) == len(every)
    assert min(sum(case.is_bad for case in every), sum(not case.is_bad for case in every)) >= 15
    assert sum(case.is_bad for case in cases(FOLDERS[1], name)) >= 5


@pytest.mark.parametrize("quality", list(of_all(FOLDERS)), ids=lambda quality: quality.check)
def test_a_check_is_good_enough_or_on_trial(quality):
    assert quality.suffices != CHECKS[quality.check].experimental, (quality.precision, quality.recall)


def test_misses_lower_recall_and_false_alarms_precision():
    (case, *_others) = cases(FOLDERS[0], "length")
    quality = Quality("length", 10, 10, (case,) * 2, (case,) * 2)
    assert (quality.precision, quality.recall, quality.suffices) == (0.8, 0.8, False)


def test_a_check_that_finds_nothing_has_no_precision_to_boast_of():
    found = judged("refusal", [case for case in cases(FOLDERS[0], "refusal") if not case.is_bad])
    assert (found.bad, found.precision, found.suffices) == (0, 0.0, False)


def test_every_check_has_its_words():
    assert set(LABELS) == set(LOOKS_FOR) == set(CHECKS)


def output(*args: str) -> str:
    out = StringIO()
    call_command("check_quality", *args, stdout=out)
    return out.getvalue()


def test_the_page_about_the_checks_is_in_step():
    page = (Path(settings.BASE_DIR) / "docs" / "checks.md").read_text("utf-8")
    assert output("--markdown") == page, "run: python manage.py check_quality --markdown > docs/checks.md"


def test_the_command_names_each_check_and_what_it_got_wrong():
    text = output("--misses")
    assert all(f"{name} " in text for name in CHECKS)
    assert text.count(" missed: ") + text.count(" wrong: ") == sum(len(each.missed) + len(each.wrong) for each in of_all(FOLDERS))


def test_without_the_labelled_texts_it_says_so(tmp_path):
    with pytest.raises(CommandError, match="No labelled texts"):
        output("--cases", str(tmp_path))
