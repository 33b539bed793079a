"""Something of everything, so that the API has something to say; and a token of each role."""

import pytest

from accounts.models import ApiToken, User
from datasets import publishing
from sources.models import DryRun, Fetch
from tests import builders
from tests.datasets.conftest import accepted

ROLES = ("viewer", "reviewer", "lead", "admin")


@pytest.fixture
def tokens(transactional_db) -> dict[str, str]:
    people = {role: User.objects.create_user(username=role, role=role) for role in ROLES}
    return {role: ApiToken.issue(person, "script")[1] for role, person in people.items()}


@pytest.fixture
def world(tokens, settings, tmp_path) -> None:
    settings.DATASET_FILES, settings.UPLOADS, settings.FETCH = tmp_path / "datasets", tmp_path / "uploads", False
    settings.API_RATES = {}
    reviewer = User.objects.get(username="reviewer")
    source = builders.make_source("ruozhiba", platform="tieba", licence="CC-BY-4.0")
    run = builders.make_run(source, created=3, rejected=1)
    builders.make_rejected_row(run, 4, raw="{")
    for status, reason in (("kept", ""), ("dropped", "too_short"), ("new", "")):
        builders.make_post(run=run, status=status, drop_reason=reason)
    for _ in range(30):
        builders.make_draft(builders.make_pair(source))
    builders.make_pair(source, status="rejected", by=reviewer)
    for n in range(3):
        accepted(source, reviewer, draft=f"第{n}层没有人按铃，电梯自己来的。")
    publishing.create_dataset(slug="demo", name="示例", by=None)
    dataset = publishing.create_dataset(slug="ruozhiba", name="弱智吧", by=None)
    publishing.build(publishing.freeze(dataset, by=None).pk)
    DryRun.objects.create(source=source, file_name="posts.jsonl", sha256="0" * 64, size=10, state="succeeded")
    Fetch.objects.create(source=source, url="https://example.org/posts.jsonl", state="failed", error_code="too_slow")
