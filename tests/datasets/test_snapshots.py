"""Versions frozen while people review: each is the log folded to one position, no review more and none less."""

import itertools
import os
import random
import threading
import time

import pytest
from django.db import connection, transaction

from annotation.folding import fold, inconsistent_pairs
from annotation.models import Pair, Review
from datasets import publishing
from datasets.models import Version
from tests.builders import make_review, make_source

from .conftest import accepted
from .test_publishing import lines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
soak = pytest.mark.soak
RATE, WRITERS = 30, 3  # reviews a second, of so many people together


class Reviewers:
    """People who decide, undo, and reopen at a steady rate, each write in a transaction of its own that takes its time."""

    def __init__(self, pairs: list[int], by, seed: int) -> None:
        self.pairs, self.by, self.over, self.written = pairs, by, threading.Event(), itertools.count()
        self.threads = [threading.Thread(target=self.work, args=[random.Random(seed + n), n]) for n in range(WRITERS)]

    def __enter__(self) -> "Reviewers":
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.count = next(self.written)
        self.rate = self.count / (time.monotonic() - self.began)

    def work(self, dice: random.Random, start: int) -> None:
        due = time.monotonic() + start / RATE
        while not self.over.wait(max(0.0, due - time.monotonic())):
            due += WRITERS / RATE
            self.write(dice)
            next(self.written)
        connection.close()

    def write(self, dice: random.Random) -> None:
        with transaction.atomic():
            pair = Pair.objects.select_for_update(no_key=True).get(pk=dice.choice(self.pairs))
            if pair.decision_id and dice.random() < 0.5:
                make_review(pair, by=self.by, verdict="undo", undoes_id=pair.decision_id)
                changes = {"status": "pending", "decision": None}
            elif pair.decision_id:
                make_review(pair, by=self.by, verdict="reopen")
                changes = {"status": "pending", "decision": None}
            else:
                verdict = dice.choice(["accept", "edit", "reject"])
                output = f"{pair.output[:20]} {dice.randrange(1000)}" if verdict == "edit" else pair.output
                review = make_review(pair, by=self.by, verdict=verdict, output=output, reasons=["off_topic"] * (verdict == "reject"))
                kept = {"status": "accepted", "output": output} if verdict != "reject" else {"status": "rejected"}
                changes = kept | {"decision": review}
            time.sleep(dice.random() * 0.02)  # a number was drawn, and is not committed yet
            Pair.objects.filter(pk=pair.pk).update(**changes)


def folded(position: int) -> list[tuple[int, int, str, str]]:
    """What the log up to there accepts: pair, review, instruction, output."""
    logs: dict[int, list[Review]] = {}
    for review in Review.objects.filter(pk__lte=position):
        logs.setdefault(review.pair_id, []).append(review)
    outcomes = [
        (pair.pk, fold(logs.get(pair.pk, []), Pair(pk=pair.pk, status="pending", reviews_wanted=pair.reviews_wanted)))
        for pair in Pair.objects.order_by("source_id", "pk")
    ]
    return [(pk, o.decision.pk, o.decision.instruction, o.decision.output) for pk, o in outcomes if o.status == "accepted" and o.decision]


@pytest.mark.parametrize("exports", [10, pytest.param(100, marks=soak)])
def test_every_export_during_writes_is_the_log_folded_to_one_position(reviewer, exports):
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    sources = [make_source(slug, licence="CC0-1.0") for slug in ("cups", "lamps")]
    pairs = [
        accepted(source, reviewer, draft=f"第{n}层没有人按铃。").pk for n, source in zip(range(60), itertools.cycle(sources), strict=False)
    ]
    dataset = publishing.create_dataset(slug="all", name="全部", by=None)
    with Reviewers(pairs, reviewer, seed) as people:
        versions = []
        for _ in range(exports):
            versions.append(publishing.freeze(dataset, by=None))
            publishing.build(versions[-1].pk)
            time.sleep(0.2)
    positions = set()
    for version in Version.objects.filter(pk__in=[version.pk for version in versions]):
        assert version.state == "ready", (seed, version.error_code)
        expected = folded(version.log_position)
        assert list(version.records.order_by("position").values_list("pair", "review")) == [each[:2] for each in expected], seed
        assert [(row["instruction"], row["output"]) for row in lines(version)] == [each[2:] for each in expected], seed
        positions.add(version.log_position)
    assert not list(inconsistent_pairs())
    print(f"seed {seed}: {exports} exports at {len(positions)} positions, {people.count} writes, {people.rate:.0f} a second")  # noqa: T201
    assert len(positions) > exports / 2
    assert people.rate > RATE / 2  # a busy machine is slower; it is still no empty promise
