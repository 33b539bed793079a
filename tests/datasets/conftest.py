"""Accepted pairs to publish, and a folder to publish into."""

import hashlib
import uuid

import pytest

from annotation.models import Draft, ModelCall, Pair, PromptVersion, Review
from datasets import publishing
from tests.builders import make_post, make_review, make_source


def draft_by(pair: Pair, model: str, output: str) -> Draft:
    """A draft of `model`, with the call that it was paid by; "" is the source's own answer."""
    call = None
    if model:
        prompt, _ = PromptVersion.objects.get_or_create(sha256="0" * 64, defaults={"name": "reply_0001", "text": "Answer."})
        call = ModelCall.objects.create(pair=pair, prompt=prompt, model=model, key=uuid.uuid4().hex)
    return Draft.objects.create(pair=pair, number=pair.drafts.count() + 1, call=call, model=model, output=output)


def accepted(
    source, by, *, model="a-model", draft="月亮没有电梯，只好自己爬上来。", output=None, verdict=None, raw=None, named=True, **fields
) -> Pair:
    """An accepted pair of `source` whose deciding review judged a draft of `model` and kept `output`."""
    output = draft if output is None else output
    post = make_post(source, status="kept", raw=raw or {})
    fields = {"instruction": post.title, "task_type": {"major": ["问答"], "minor": ["逻辑问答"]}, "domain": ["通用"], **fields}
    pair = Pair.objects.create(post=post, source=source, status="pending", output=output, **fields)
    judged = draft_by(pair, model, draft)
    texts = {"task_type": pair.task_type, "domain": pair.domain}
    verdict = verdict or ("accept" if output == draft else "edit")
    review = make_review(pair, by=by, verdict=verdict, draft=judged if named else None, **texts)
    Pair.objects.filter(pk=pair.pk).update(status="accepted", decision=review)
    return pair


def take_back(pair: Pair, by) -> Review:
    """Undo the decision on `pair`, as a reviewer would."""
    pair.refresh_from_db()
    entry = make_review(pair, by=by, verdict="undo", undoes=pair.decision)
    Pair.objects.filter(pk=pair.pk).update(status="pending", decision=None)
    return entry


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATASET_FILES = tmp_path / "datasets"
    return settings.DATASET_FILES


@pytest.fixture
def source(db):
    return make_source("jokes", name="段子", licence="CC-BY-4.0")


@pytest.fixture
def dataset(db):
    return publishing.create_dataset(slug="first", name="第一份", by=None)


@pytest.fixture
def ready(dataset, source, reviewer):
    """A ready version of three pairs."""
    for n in range(3):
        accepted(source, reviewer, draft=f"第{n}层没有人按铃，电梯自己来的。")
    version = publishing.freeze(dataset, by=None)
    publishing.build(version.pk)
    version.refresh_from_db()
    assert version.state == "ready"
    return version
