import json

import pytest

from annotation import drafting, seats
from annotation.models import Assignment, Pair
from tests.annotation.provider import reply
from tests.annotation.test_drafting import source_with, work

pytestmark = pytest.mark.django_db(transaction=True)


def drafted(admin, **fields) -> Pair:
    work(drafting.order(source_with(1, **fields), by=admin))
    return Pair.objects.get()


def test_a_redraft_sends_the_note_and_the_hint_as_data_and_its_draft_takes_the_place(provider, admin):
    pair = drafted(admin)
    provider.default = reply("换一种说法：灯泡本来就不存在，所以谈不上坏。")
    run = drafting.redraft(pair, by=admin, note='先点破"前提"', hint="前提不成立")
    assert Pair.objects.get().status == "drafting"
    work(run)
    user = provider.seen[-1]["messages"][1]["content"].splitlines()
    assert json.loads(user[-1].split("：", 1)[1]) == '先点破"前提"'
    assert json.loads(user[-2].split("：", 1)[1]) == "前提不成立"
    pair.refresh_from_db()
    assert (pair.status, pair.hint, pair.drafts.count()) == ("pending", "前提不成立", 2)
    assert pair.output == pair.drafts.get(number=2).output


def test_the_same_wish_again_is_another_purchase(provider, admin):
    pair = drafted(admin)
    for n in (1, 2):
        work(drafting.redraft(pair, by=admin, note="短一点"))
        assert pair.drafts.count() == 1 + n
    assert len(provider.seen) == 3


def test_a_redraft_that_fails_brings_the_pair_back_with_what_it_had(provider, admin):
    pair = drafted(admin)
    provider.default = reply(finish="length")
    work(drafting.redraft(pair, by=admin, note="短一点"))
    before, pair = pair, Pair.objects.get()
    assert (pair.status, pair.output, pair.drafts.count()) == ("pending", before.output, 1)
    assert pair.version > before.version


def test_a_redraft_gives_back_undecided_seats_and_is_refused_while_one_is_under_way(provider, admin, reviewer):
    pair = drafted(admin)
    seats.claim(reviewer)
    drafting.redraft(pair, by=reviewer, note="短一点")
    assert not Assignment.objects.exists()
    assert seats.claim(reviewer) is None
    with pytest.raises(drafting.StaleState):
        drafting.redraft(pair, by=reviewer, note="再短一点")


@pytest.mark.parametrize("fields", [{"note": " "}, {"note": "长" * 2001}])
def test_a_redraft_without_a_wish_is_refused(provider, admin, fields):
    pair = drafted(admin)
    with pytest.raises(drafting.Refused) as refused:
        drafting.redraft(pair, by=admin, **fields)
    assert refused.value.code == "bad_note"
