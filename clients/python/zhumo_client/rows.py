"""What the API answers, as far as this client asks for it. `docs/api.md` and `/api/v1/docs/` have the rest."""

from typing import Any, Literal, TypedDict

Verdict = Literal["accept", "edit", "reject"]


class Me(TypedDict):
    id: int
    username: str
    role: Literal["viewer", "reviewer", "lead", "admin"]
    language: str


class OwnDays(TypedDict):
    goal: int
    done: int
    skipped: int
    minutes_left: int | None
    days: list[dict[str, Any]]


class Token(TypedDict):
    id: int
    name: str
    scope: Literal["read", "review", "manage"]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    is_usable: bool


class MadeToken(Token):
    secret: str


class Session(TypedDict):
    handle: str
    browser: str
    address: str | None
    begun_at: str
    is_here: bool


class Person(TypedDict):
    id: int
    username: str
    email: str
    role: Literal["viewer", "reviewer", "lead", "admin"]
    is_active: bool


class Invitation(TypedDict):
    id: int
    role: str
    note: str
    by: str | None
    expires_at: str


class AuditEntry(TypedDict):
    id: int
    at: str
    by: str | None
    action: str
    label: str
    subject: str
    detail: dict[str, Any]


class Source(TypedDict):
    slug: str
    name: str
    platform: str
    licence: str
    instruction_templates: list[str]
    reply: str
    screens: list[dict[str, Any]]
    guidelines: str
    reviews_wanted: int


class Import(TypedDict):
    id: int
    source: str
    status: str
    counts: dict[str, int]
    file_name: str
    sha256: str
    error: dict[str, str] | None


class RejectedRow(TypedDict):
    row: int
    reason: str
    detail: str
    message: str
    raw: str


class Post(TypedDict):
    id: int
    source: str
    title: str
    body: str
    answer: str
    votes: int | None
    status: str
    reason: str


class Funnel(TypedDict):
    read: int
    stages: list[dict[str, Any]]
    buckets: dict[str, int]
    fates: dict[str, int]


class DraftRun(TypedDict):
    id: int
    source: str
    status: str
    counts: dict[str, Any]
    cost: str | None
    estimate: dict[str, Any] | None


class Pair(TypedDict):
    id: int
    source: str
    post: int
    status: str
    version: int
    instruction: str
    input: str
    output: str
    task_type: dict[str, list[str]]
    domain: list[str]


class Draft(TypedDict):
    id: int
    number: int
    output: str
    model: str
    is_demo: bool
    is_human: bool


class Seat(TypedDict):
    """An assignment: the right to decide on a pair until `expires_at`."""

    id: int
    token: str
    expires_at: str
    pair: Pair
    drafts: list[Draft]
    checks: list[dict[str, Any]]


class Review(TypedDict):
    id: int
    pair: int
    verdict: str
    instruction: str
    input: str
    output: str
    op_id: str


class Dataset(TypedDict):
    slug: str
    name: str
    sources: list[str]
    recipe: dict[str, Any]
    include_demo: bool


class Version(TypedDict):
    number: int
    status: str
    records: int | None
    sha256: str
    splits: dict[str, int]
    error: dict[str, str] | None


class File(TypedDict):
    name: str
    schema: str
    format: str
    bytes: int
    sha256: str
    split: str
    rows: int
