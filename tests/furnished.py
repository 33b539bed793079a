"""A house with something on every page, written by whoever one likes: `furnish(text)` asks for the text of each place."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from annotation import reviewing
from annotation.models import Comment, Mention, Pair, PromptVersion
from datasets import publishing, releasing
from datasets.models import Dataset, Version
from sources.models import Post, Source
from tests.annotation.ledger_rows import decided, make_call, make_draft_run
from tests.builders import make_draft, make_pair, make_post, make_rejected_row, make_run, make_source

# Where strangers, models and colleagues write, with something ordinary for each.
PLACES = {
    "title": "影子淋了雨会不会变重", "body": "楼主还说了别的。", "answer": "来源里的原答，写得很长。", "context": "沙发：说得好",
    "draft": "先说结论：**不会**。\n\n影子没有重量。", "hint": "问的是影子，不是人。", "comment": "这条我拿不准。",
    "reject_comment": "偷换了概念。", "guideline": "# 怎么审\n\n先看懂**陷阱**。", "source_name": "弱智吧", "dataset_name": "第一份",
    "file_name": "年度佳贴.json", "prompt_note": "更短一些", "prompt_text": "请回答。", "person": "青柠", "rejected_row": "{坏的一行",
    "takedown": "作者要求", "error": "insufficient_quota",
}  # fmt: skip


@dataclass
class House:
    admin: User
    reviewer: User
    source: Source
    pending: Pair
    rejected: Pair
    prompts: list[PromptVersion]
    run: int
    dataset: Dataset
    version: Version
    import_run: int
    paths: dict[str, list[str]] = field(default_factory=dict)  # by who looks


def furnish(text: Callable[[str], str] = PLACES.__getitem__) -> House:
    admin = User.objects.create_user("admin", password="a long enough pass", role="admin")
    reviewer = User.objects.create_user(text("person")[:140], password="a long enough pass", role="reviewer")
    source = make_source(
        "house", name=text("source_name")[:100], platform="tieba", licence="CC-BY-4.0", guidelines=text("guideline"),
        instruction_templates=["{title}"], screens=[{"screen": "length", "min": 3}],
    )  # fmt: skip
    run = make_run(source, created=3, rejected=1, file_name=text("file_name")[:255])
    make_rejected_row(run, 9, raw=text("rejected_row")[:1000])
    prompts = [
        PromptVersion.objects.create(
            name=f"draft-{n}",
            number=900 + n,
            sha256=uuid.uuid4().hex * 2,
            text=f"{text('prompt_text')}\n{n}",
            note=text("prompt_note")[:300],
            by=admin,
        )
        for n in (1, 2)
    ]
    pending = _pending(source, run, text, prompts[0])
    rejected = _judged(source, text, prompts, reviewer)
    Comment.objects.create(pair=pending, by=reviewer, text=text("comment"), op_id=uuid.uuid4())
    mentioned = Comment.objects.create(pair=rejected, by=reviewer, text="@admin " + text("comment"), op_id=uuid.uuid4())
    Mention.objects.create(comment=mentioned, person=admin)
    dataset, version = _published(source, text, admin)
    house = House(admin, reviewer, source, pending, rejected, prompts, source.draft_runs.latest("pk").pk, dataset, version, run.pk)
    house.paths = {"admin": _of_admins(house), "reviewer": _of_reviewers(house)}
    return house


def _post(source: Source, text: Callable[[str], str], **fields: Any) -> Post:
    texts = {name: text(name) for name in ("title", "body", "answer")}
    return make_post(source, status="kept", votes=1200, context=[{"floor": 2, "text": text("context")}], **{**texts, **fields})


def _pending(source: Source, run: Any, text: Callable[[str], str], prompt: PromptVersion) -> Pair:
    post = _post(source, text, run=run, raw={"author": text("person")})
    pair = make_pair(post=post, output=text("draft"), hint=text("hint"))
    draft_run = make_draft_run(source, prompt, model_names=["m-1"], system_prompt=text("prompt_text"))
    for n in range(2):
        make_call(draft_run, pair, draft=f"{text('draft')}\n\n{n}", cost=Decimal("0.01"), sent_at=timezone.now(), sample=n)
    make_call(draft_run, state="failed", error_code="other", error_detail=text("error"), sent_at=timezone.now(), finished_at=timezone.now())
    make_call(draft_run, state="unknown", sent_at=timezone.now())
    make_post(source, title=text("title"), status="dropped", drop_reason="too_short", drop_value="2 < 3")
    return pair


def _judged(source: Source, text: Callable[[str], str], prompts: list[PromptVersion], by: User) -> Pair:
    draft_run = make_draft_run(source, prompts[1], model_names=["m-2"])
    for verdict in ("accept", "edit"):
        decided(draft_run, by, verdict, output=text("draft"), edited=text("answer") if verdict == "edit" else "", seconds=12)
    return decided(draft_run, by, "reject", reasons=["other"], comment=text("reject_comment"), output=text("draft"), seconds=7)


def _published(source: Source, text: Callable[[str], str], by: User) -> tuple[Dataset, Version]:
    dataset = publishing.create_dataset(slug="first", name=text("dataset_name")[:100], by=None)
    for _n in range(2):
        version = publishing.freeze(dataset, by=None)
        publishing.build(version.pk)
        version.refresh_from_db()
        releasing.take_down(make_post(source, title=text("title"), status="kept"), by=by, reason=text("takedown"))
    return dataset, version


def _of_reviewers(house: House) -> list[str]:
    pair = house.pending.pk
    return [
        "/review/",
        f"/review/items/{pair}/history/",
        "/review/items/",
        "/review/mentions/",
        "/review/me/",
        "/accounts/password/",
        "/datasets/",
    ]


def _of_admins(house: House) -> list[str]:
    source, version = f"/sources/{house.source.slug}/", f"/datasets/first/versions/{house.version.number}/"
    old, new = (prompt.pk for prompt in house.prompts)
    drafting = [
        "",
        "order/",
        f"{house.run}/",
        "calls/",
        "calls/?kind=unknown",
        "calls/?kind=attempts",
        "prompts/",
        "prompts/new/",
        f"prompts/{old}/",
    ]
    drafting += [f"prompts/compare/?a={old}&b={new}", "models/", "models/one/?provider=openai&model=m-1", "costs/", "scorecard/"]
    sources = [
        "",
        "edit/",
        "screens/",
        "rejected/",
        "clusters/",
        "posts/",
        "posts/?status=dropped",
        "import/",
        "at/?stage=accepted",
    ]
    return [
        "/review/",
        "/review/items/",
        f"/review/items/{house.rejected.pk}/history/",
        "/review/mentions/",
        "/review/me/",
        "/team/",
        "/team/?days=90",
        *(f"/drafting/{path}" for path in drafting),
        "/sources/",
        "/sources/new/",
        "/sources/import/",
        "/sources/lists/",
        f"/sources/imports/{house.import_run}/",
        *(source + path for path in sources),
        "/datasets/",
        "/datasets/new/",
        "/datasets/first/",
        "/datasets/first/recipe/",
        "/datasets/takedowns/",
        version,
        version + "changes/",
    ]


def seat_of(house: House, user: User) -> Any:
    """The seat of `user` at the pending pair, so that a redraft can be asked for."""
    return reviewing.claim(user, pair_id=house.pending.pk)


def more_drafts(house: House, n: int) -> None:
    for _n in range(n):
        make_draft(house.pending)
