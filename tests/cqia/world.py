"""One of everything that an address can name, under one tag: two worlds side by side, one of them hidden from most, show leaks."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import people
from accounts.models import ApiToken, User
from annotation.models import Assignment, Comment, DraftRun, ModelCall, Pair, PromptVersion
from datasets import exporting, records
from datasets.models import Dataset, Export, Record, Takedown, Version
from sources.models import DryRow, DryRun, Fetch, Post, Preview, Rescue, Source, TextList
from sources.screening_models import RescuedPost
from tests import builders

PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")
ANYWHERE = {"kind": "csv", "act": "pause", "name": "people"}
NOBODYS = 987_654_321
GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


@dataclass
class World:
    """What stands for a placeholder, by the part of the address before it and its name: ("imports", "pk") -> 7."""

    tag: str
    source: Source
    things: dict[tuple[str, str], Any] = field(default_factory=dict)

    def address(self, route: str) -> str:
        """The address of `route` in this world."""
        return self._filled(route, self._thing)

    def nowhere(self, route: str) -> str:
        """An address like it, of things that nobody has."""
        return self._filled(route, self._nobodys)

    def _filled(self, route: str, thing: Callable[[str, str], Any]) -> str:
        found, before = [], ""
        for part in GROUP.sub(r"<\1>", route).lstrip("/").split("/"):
            found.append(PLACEHOLDER.sub(lambda hit, before=before: str(thing(before, hit[1])), part))
            if not PLACEHOLDER.search(part):
                before = part
        return "/" + "/".join(found)

    def _nobodys(self, before: str, name: str) -> Any:
        if name in ANYWHERE:
            return self._thing(before, name)
        return NOBODYS if isinstance(self._thing(before, name), int) else f"nobodys-{name}"

    def _thing(self, before: str, name: str) -> Any:
        return self.things[before, name] if (before, name) in self.things else ANYWHERE[name]


def make_world(tag: str, *, admin: User, reviewer: User, word: str, mentioned: User | None = None) -> World:
    """`word` stands in every text of it."""
    source = builders.make_source(tag, name=f"{word} name", guidelines=word, system_prompt=word, peers_send_back=True)
    world = World(tag, source)
    pair = _posts(world, reviewer, mentioned or reviewer, word)
    _runs(world, admin, word)
    _calls(world, pair, admin, word)
    _dataset(world, admin, word)
    _people(world, admin, reviewer)
    return world


def _people(world: World, admin: User, reviewer: User) -> None:
    token, _secret = ApiToken.issue(reviewer, "script")
    link, secret = people.invite(role="viewer", by=admin)
    world.things |= {
        ("people", "pk"): reviewer.pk, ("people", "act"): "enable", ("tokens", "pk"): token.pk, ("invitations", "pk"): link.pk,
        ("link", "secret"): secret,
    }  # fmt: skip


def _posts(world: World, reviewer: User, mentioned: User, word: str) -> Pair:
    run = builders.make_run(world.source, created=3, rejected=1, file_name=f"{word}.jsonl")
    builders.make_rejected_row(run, 9, raw=f'{{"title": "{word}"')
    texts = {"body": f"{word} 正文", "answer": f"{word} 回答"}
    posts = [builders.make_post(run=run, status="kept", title=f"{word} 题 {n}", **texts) for n in range(2)]
    dropped = builders.make_post(run=run, status="dropped", drop_reason="too_short", title=f"{word} 短")
    Post.objects.filter(pk__in=[posts[1].pk, dropped.pk]).update(cluster=posts[1])
    pair = builders.make_pair(post=posts[0], output=f"{word} 回复")
    decided = builders.make_pair(post=posts[1], status="accepted", by=reviewer, output=f"{word} 定稿")
    builders.make_draft(pair, call=None)
    seat = Assignment.objects.create(pair=pair, seat=1, reviewer=reviewer, expires_at=timezone.now() - timedelta(hours=1))
    comment = Comment.objects.create(pair=pair, by=reviewer, text=f"{word} 评", op_id=uuid.uuid4())
    comment.mentions.create(person=mentioned)
    rescue = Rescue.objects.create(source=world.source, by=None, count=1)
    RescuedPost.objects.create(rescue=rescue, post=posts[0], reason="too_short")
    world.things |= {
        ("sources", "slug"): world.source.slug, ("imports", "pk"): run.pk, ("rows", "row"): 1, ("posts", "pk"): dropped.pk,
        ("items", "pk"): pair.pk, ("pairs", "pk"): pair.pk, ("assignments", "pk"): seat.pk, ("reviews", "pk"): decided.decision_id,
        ("decisions", "pk"): decided.decision_id, ("disputed", "pk"): pair.pk,
        ("rescues", "pk"): rescue.pk, ("comments", "pk"): comment.pk, ("decided", "pair"): decided, ("clusters", "pk"): posts[1].pk,
    }  # fmt: skip
    return pair


def _runs(world: World, admin: User, word: str) -> None:
    source = world.source
    file = {"file_name": f"{word}.jsonl", "sha256": "0" * 64, "size": 10, "by": admin}
    dry = DryRun.objects.create(source=source, state="succeeded", read=1, **file)
    DryRow.objects.create(run=dry, row=1, outcome="dropped", reason="too_short", title=word)
    fetch = Fetch.objects.create(source=source, by=admin, url=f"https://example.org/{word}.jsonl")
    preview = Preview.objects.create(source=source, by=admin, state="succeeded")
    texts = TextList.objects.create(name=f"{word} list", kind="words", by=admin, lines=[word], count=1, sha256=uuid.uuid4().hex * 2)
    world.things |= {
        ("dry-runs", "pk"): dry.pk, ("fetches", "pk"): fetch.pk, ("previews", "pk"): preview.pk, ("lists", "pk"): texts.pk,
    }  # fmt: skip


def _calls(world: World, pair: Pair, admin: User, word: str) -> None:
    known = PromptVersion.objects.count()
    prompt, other = (
        PromptVersion.objects.create(name=f"reply_{n:04}", number=n, sha256=uuid.uuid4().hex * 2, text="…") for n in (known + 1, known + 2)
    )
    run = DraftRun.objects.create(source=world.source, prompt=prompt, by=admin, state="running", system_prompt=word)
    call = ModelCall.objects.create(
        run=run, pair=pair, prompt=prompt, key=uuid.uuid4().hex * 2, state="unknown", model="m", material={"title": word},
        sent_at=timezone.now(), finished_at=timezone.now(),
    )  # fmt: skip
    world.things |= {
        ("drafting", "pk"): run.pk, ("drafting", "name"): "pause",
        ("draft-runs", "pk"): run.pk, ("calls", "pk"): call.pk, ("model-calls", "pk"): call.pk,
        ("prompts", "pk"): prompt.pk, ("prompts", "name"): prompt.name, ("diff", "other"): other.name,
    }  # fmt: skip


def _dataset(world: World, admin: User, word: str) -> None:
    decided = world.things["decided", "pair"]
    dataset = Dataset.objects.create(slug=world.tag, name=f"{word} dataset")
    dataset.sources.add(world.source)
    data = records.compose(records.Decided(**decided.decision.texts()))
    for number in (1, 2):
        known = {"state": "running", "records_count": 1, "splits": {"train": 1}, "changelog": word}
        version = Version.objects.create(dataset=dataset, number=number, **known)
        Record.objects.create(version=version, position=0, pair=decided, review=decided.decision, data=data, sha256=records.digest(data))
        file = exporting.write_layout(version, "cqia", "jsonl")[0]
        file.save()
        Version.objects.filter(pk=version.pk).update(state="released", released_at=timezone.now(), sha256=exporting.recompute(version))
    export = Export.objects.create(version=version, schema="alpaca", format="jsonl", by=admin)
    taken = Takedown.objects.create(post=Post.objects.get(pk=world.things["posts", "pk"]), reason=word, by=admin)
    world.things |= {
        ("datasets", "slug"): dataset.slug, ("versions", "number"): 2, ("files", "name"): file.name, ("exports", "pk"): export.pk,
        ("records", "position"): 0, ("takedowns", "pk"): taken.pk,
    }  # fmt: skip
