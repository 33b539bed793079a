from types import SimpleNamespace

import pytest

from sources.presets import PRESETS
from sources.screens import SCREENS, BadScreen, make


def drops(setting, twin=None, **post):
    fields = {"title": "", "body": "", "answer": "", "votes": None, "content_hash": "h", **post}
    return make([setting])[0].drops(SimpleNamespace(**fields), twin)


@pytest.mark.parametrize(
    ("setting", "post", "verdict"),
    [
        ({"screen": "length", "min": 3}, {"title": "两字"}, ("too_short", "2")),
        ({"screen": "length", "min": 3}, {"title": "三个字"}, None),
        ({"screen": "length", "max": 2}, {"title": "两字"}, None),
        ({"screen": "length", "max": 2}, {"title": "三个字"}, ("too_long", "3")),
        ({"screen": "length", "field": "answer", "min": 1}, {"title": "三个字"}, ("too_short", "0")),
        ({"screen": "votes", "min": 5}, {"votes": 4}, ("too_few_votes", "4")),
        ({"screen": "votes", "min": 5}, {"votes": 5}, None),
        ({"screen": "votes", "min": 5}, {"votes": None}, None),
        ({"screen": "votes", "min": 5, "required": True}, {"votes": None}, ("too_few_votes", "")),
        ({"screen": "votes", "min": 0}, {"votes": -1}, ("too_few_votes", "-1")),
    ],
)
def test_a_screen_says_why_and_what_it_measured(setting, post, verdict):
    assert drops(setting, **post) == verdict


def test_a_duplicate_names_the_post_that_it_repeats():
    assert drops({"screen": "duplicate"}, twin=7) == ("duplicate", "7")
    assert drops({"screen": "duplicate"}) is None


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"screen": "lenght"},
        {"screen": "length", "most": 3},
        {"screen": "length", "field": "author"},
        {"screen": "votes"},
        {"screen": "votes", "min": "many"},
        {"screen": "duplicate", "min": 1},
    ],
)
def test_a_setting_that_no_screen_knows_is_named(setting):
    with pytest.raises(BadScreen):
        make([setting])


def test_every_screen_is_used_by_a_preset_and_every_preset_has_known_screens():
    used = {screen["screen"] for preset in PRESETS.values() for screen in preset["screens"]}
    assert used == set(SCREENS)
    assert all(make(preset["screens"]) for preset in PRESETS.values())
